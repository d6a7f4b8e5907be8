package io.sluice.scoring.bundle;

import io.sluice.recurrent.kernel.Device;
import io.sluice.recurrent.layer.KernelMemory;
import io.sluice.recurrent.layer.StackedPass;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.encoding.TextContract;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Classifies documents with a bundle's network. Serves one thread. */
public final class DocumentPredictor implements AutoCloseable {
  private final MultiLayerNetwork network;
  private final DocumentArrays arrays;
  private Device device = Device.CPU;

  /**
   * @param network its own; a network serves one predictor
   * @throws io.sluice.failure.InvalidInputException if it does not fit the documents
   */
  DocumentPredictor(MultiLayerNetwork network, ModelSpec spec, TextContract contract) {
    this.network = network;
    this.arrays = new DocumentArrays(contract, spec);
  }

  /** Computes on a device; before the first batch. */
  public DocumentPredictor on(Device other) {
    device = other;
    return this;
  }

  /**
   * Class probabilities (B, V) of a batch's documents, row-major; their labels play no part.
   *
   * @param batch at least one document
   */
  public float[] probabilities(TextBatch batch) {
    INDArray output;
    try (Device.Bound bound = device.bind();
        StackedPass stacked = StackedPass.begin(network)) {
      output =
          network.output(arrays.features(batch), false, arrays.steps(batch).orElse(null), null);
    }
    return output.dup('c').data().asFloat();
  }

  /** Frees native memory; a further batch takes it again. */
  @Override
  public void close() {
    KernelMemory.free(network);
  }
}
