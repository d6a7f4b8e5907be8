package io.sluice.recurrent.head;

/**
 * One parameter of a head: a weight matrix, row-major (outputs, inputs) in the flat array and an
 * 'f'-ordered (inputs, outputs) for DL4J; or a bias vector, which has no inputs.
 */
record HeadParameter(String name, int outputs, int inputs) {
  static HeadParameter weight(String name, int outputs, int inputs) {
    return new HeadParameter(name, outputs, inputs);
  }

  static HeadParameter bias(String name, int outputs) {
    return new HeadParameter(name, outputs, 0);
  }

  boolean isWeight() {
    return inputs > 0;
  }

  long length() {
    return (long) outputs * Math.max(1, inputs);
  }
}
