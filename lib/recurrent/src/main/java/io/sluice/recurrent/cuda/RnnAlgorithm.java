package io.sluice.recurrent.cuda;

import org.bytedeco.cuda.global.cudnn;

/** How cuDNN walks over time. */
enum RnnAlgorithm {
  /** A matrix product for each time step, several layers at once; takes anything. */
  STANDARD(cudnn.CUDNN_RNN_ALGO_STANDARD),

  /**
   * One kernel that keeps the recurrent weights of few units in registers. Its exponentials are
   * good to about 4e-6. (cuDNN has another for more units, which was slower wherever it was
   * measured.)
   */
  PERSISTENT(cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H);

  private final int number;

  RnnAlgorithm(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }
}
