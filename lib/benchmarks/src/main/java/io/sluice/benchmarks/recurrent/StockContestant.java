package io.sluice.benchmarks.recurrent;

import io.sluice.recurrent.model.BothEnds;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BaseRecurrentLayer;
import org.deeplearning4j.nn.conf.layers.GravesLSTM;
import org.deeplearning4j.nn.conf.layers.LSTM;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/**
 * The layers that come with DL4J. It has no clipping by the norm of the whole gradient, so each
 * layer's gradient is clipped by its own: the same reads and writes.
 */
final class StockContestant extends Dl4jContestant {
  StockContestant(int threads) {
    super(threads);
  }

  @Override
  void train(MultiLayerNetwork network, INDArray input, INDArray target) {
    network.fit(input, target);
  }

  @Override
  MultiLayerNetwork network(Workload workload) throws CannotDo {
    if (workload.precision() != Precision.F32) {
      throw new CannotDo("stock DL4J computes in f32");
    }
    Shape shape = workload.shape();
    var list =
        new NeuralNetConfiguration.Builder()
            .updater(new Adam(Workload.LEARNING_RATE))
            .gradientNormalization(GradientNormalization.ClipL2PerLayer)
            .gradientNormalizationThreshold(Workload.MAX_GRADIENT_NORM)
            .list();
    boolean bidirectional = workload.cell().isBidirectional();
    for (int l = 0; l < shape.layers(); l++) {
      BaseRecurrentLayer layer = layer(workload.cell(), shape.hiddenSize());
      if (bidirectional) {
        list.layer(new Bidirectional(layer));
      } else {
        list.layer(l == shape.layers() - 1 ? new LastTimeStep(layer) : layer);
      }
    }
    if (bidirectional) {
      list.inputPreProcessor(shape.layers(), new BothEnds(shape.timeSteps()));
    }
    list.layer(
        new OutputLayer.Builder(LossFunction.MCXENT)
            .nOut(Workload.CLASSES)
            .activation(Activation.SOFTMAX)
            .build());
    var network =
        new MultiLayerNetwork(
            list.setInputType(InputType.recurrent(shape.inputSize(), shape.timeSteps())).build());
    network.init();
    return network;
  }

  private static BaseRecurrentLayer layer(Cell cell, int units) throws CannotDo {
    return switch (cell) {
      case LSTM, BIDIRECTIONAL_LSTM ->
          new LSTM.Builder().nOut(units).activation(Activation.TANH).build();
      case PEEPHOLE_LSTM ->
          new GravesLSTM.Builder().nOut(units).activation(Activation.TANH).build();
      case RNN -> new SimpleRnn.Builder().nOut(units).activation(Activation.TANH).build();
      case LAYERNORM_LSTM, GRU -> throw new CannotDo("stock DL4J has no " + cell);
    };
  }
}
