package io.sluice.training.async;

import java.io.Serializable;
import java.util.Iterator;
import org.nd4j.linalg.dataset.DataSet;

/** Where a worker finds its share of an epoch, on its executor. */
@FunctionalInterface
public interface Shares extends Serializable {
  /**
   * A worker's batches in the order it learns from them.
   *
   * @param epoch from 0
   * @param worker from 0
   */
  Iterator<DataSet> open(int epoch, int worker) throws InterruptedException;
}
