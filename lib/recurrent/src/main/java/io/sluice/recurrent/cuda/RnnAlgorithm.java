package io.sluice.recurrent.cuda;

import org.bytedeco.cuda.global.cudnn;

/** How cuDNN walks over time. */
enum RnnAlgorithm {
  /** A matrix product for each time step, several layers at once; takes anything. */
  STANDARD(cudnn.CUDNN_RNN_ALGO_STANDARD),

  /** One kernel that keeps the recurrent weights in registers and shared memory. */
  PERSISTENT(cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC),

  /** The same for few units, which one multiprocessor holds. */
  PERSISTENT_SMALL(cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H);

  private final int number;

  RnnAlgorithm(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
