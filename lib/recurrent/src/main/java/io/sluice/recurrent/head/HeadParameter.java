package io.sluice.recurrent.head;

/**
 * One parameter of a head: a weight matrix, row-major (outputs, inputs) in the flat array and an
 * 'f'-ordered (inputs, outputs) for DL4J; or a vector, which has no inputs: a bias, or a gain,
 * which begins at 1.
 */
record HeadParameter(String name, int outputs, int inputs, boolean isGain) {
  static HeadParameter weight(String name, int outputs, int inputs) {
    return new HeadParameter(name, outputs, inputs, false);
  }

  static HeadParameter bias(String name, int outputs) {
    return new HeadParameter(name, outputs, 0, false);
  }

  static HeadParameter gain(String name, int outputs) {
    return new HeadParameter(name, outputs, 0, true);
  }

  boolean isWeight() {
    return inputs > 0;
  }

  long length() {
    return (long) outputs * Math.max(1, inputs);
  }
}
