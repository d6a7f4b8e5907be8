package io.sluice.training.async;

import java.io.Serializable;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** Builds a worker's own network, on its executor; the run sets its parameters. */
@FunctionalInterface
public interface NetworkSource extends Serializable {
  /** A network as the driver's, with any parameters. */
  MultiLayerNetwork create();
}
