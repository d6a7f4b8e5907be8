package io.sluice.training;

import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * Who computes. A strategy trains the network it is given for one epoch, in place, and judges it on
 * the validation windows; what comes before, between and after is the {@link Trainer}'s.
 */
sealed interface Strategy extends AutoCloseable permits LocalStrategy, ParameterAveragingStrategy {

  /**
   * Trains one epoch.
   *
   * @param network holds the parameters, optimizer state and step to start from, then the results
   * @param epoch from 0
   * @param run told of every step
   * @return mean loss of the epoch's steps, weighted by windows where the strategy knows them
   */
  double train(MultiLayerNetwork network, int epoch, RunLog run);

  /** Mean loss over the validation windows, without dropout. */
  double validationLoss(MultiLayerNetwork network);

  /** Frees what it holds. */
  @Override
  void close();
}
