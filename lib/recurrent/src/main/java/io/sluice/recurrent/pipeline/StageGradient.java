package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.optim.FlatGradient;
import io.sluice.recurrent.optim.GradientExchange;

/**
 * Gathers a stage's gradient from the top down, and hands it to its peers while lower blocks are
 * still computing.
 */
final class StageGradient implements StageNetwork.Finished {
  private final StageNetwork stage;
  private final GradientExchange peers;

  /** Numbers that are not handed on yet, from 0. */
  private long left;

  StageGradient(StageNetwork stage, GradientExchange peers) {
    this.stage = stage;
    this.peers = peers;
  }

  void begin() {
    left = stage.gradient().whole().length();
  }

  void headFinished() {
    finished(stage.takeHeadGradient());
  }

  @Override
  public void block(int block) {
    finished(stage.takeGradient(block));
  }

  @Override
  public void words() {
    finished(0);
  }

  void finishAll() {
    headFinished();
    for (int block = stage.blocks() - 1; block >= 0; block--) {
      block(block);
    }
    if (stage.hasWords()) {
      words();
    }
  }

  /** What is above the rows of an embedding does not wait for them, and they go by themselves. */
  private void finished(long from) {
    FlatGradient gradient = stage.gradient();
    long rows = gradient.rowNumbers();
    if (peers == null || from == left) {
      return;
    }
    if (left == rows && gradient.knowsRanges()) {
      peers.ready(gradient.whole(), gradient.rows(), gradient.touched());
      left = from;
    } else if (left - from >= GradientExchange.LEAST || from == 0 || from == rows) {
      peers.ready(gradient.whole(), from, left);
      left = from;
    }
  }
}
