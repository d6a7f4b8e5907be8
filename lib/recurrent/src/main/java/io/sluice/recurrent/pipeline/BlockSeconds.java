package io.sluice.recurrent.pipeline;

import io.sluice.recurrent.kernel.CellShape;
import io.sluice.recurrent.kernel.Kernels;
import io.sluice.recurrent.model.Head;
import io.sluice.recurrent.model.ModelSpec;
import io.sluice.recurrent.model.ModelSummary;
import io.sluice.recurrent.model.Networks;
import java.util.List;

/**
 * How long one core takes over a block of a network, modelled: what is multiplied at the rate of a
 * large product, what is done to each unit and time step in passes of their own, and more where few
 * windows are multiplied at once.
 *
 * <p>With r = T·b rows of a time chunk of b windows, of each direction of a recurrent layer:
 *
 * <pre>{@code
 * forward    2·G·H·(I + H)·r / rate · (1 + few/b)  + pointwise·H·r
 * backward   twice that, less the input's gradient of the lowest layer, if no embedding learns
 *            + the sum of the weights' gradients, read and written once a chunk
 * }</pre>
 *
 * <p>An embedding below copies r·E numbers forward, and adds as many to their rows on the way back.
 *
 * <p><b>Source.</b> {@code lib/benchmarks/results/recurrent.json}, one thread, two layers of 64,
 * 128 and 512 units: the rates were taken from it, and the model says all eleven results of it to 6
 * %, see {@code BlockSecondsTest}. Another processor's rates move all stages alike.
 */
final class BlockSeconds {
  /** Operations a second of a large float32 product. */
  private static final double F32_FLOPS = 106e9;

  /** Of what a recurrent layer multiplies in bf16, pointwise passes not among it. */
  private static final double BF16_FLOPS = 183e9;

  /** Of products above the recurrent layers: V = 10,000 classes of {@code vocabulary.json}. */
  private static final double HEAD_FLOPS = 80e9;

  /**
   * Windows by which products of few are slower: of 16 windows 5 % (f32) and of 32 a quarter (bf16)
   * against 128, as in {@link io.sluice.recurrent.memory.TrainingMemory#microBatches}.
   */
  private static final double FEW_IN_F32 = 0.9;

  private static final double FEW_IN_BF16 = 12;

  /** A kernel's product for each time step is a native call of its own, and a loop around it. */
  private static final double STEP_SECONDS = 1e-6;

  /** Of sums of gradients and rows of an embedding where they lie in memory, an estimate. */
  private static final double BYTES_PER_SECOND = 20e9;

  /** Rows for which a kernel adds to the sums of gradients once. */
  private static final int ROWS = 1024;

  /** Share of the pointwise passes that is forward. */
  private static final double FORWARD = 0.4;

  /** Forward and back, for each number that is normalised; an estimate. */
  private static final double NORM_SECONDS = 3e-9;

  /** DL4J's way around a micro-batch: 0.7 ms at best with 8 windows of 100 steps of 128 numbers. */
  private static final double HEAD_SECONDS = 0.7e-3;

  private final ModelSpec spec;
  private final int directions;
  private final boolean isBf16;
  private final double headFlops;

  BlockSeconds(ModelSpec spec) {
    this.spec = spec;
    this.directions = spec.bidirectional() ? 2 : 1;
    this.isBf16 =
        Kernels.computesInBf16(
            new CellShape(spec.cell(), 1, 1), spec.precision(), spec.recurrentDropout() > 0);
    int recurrent =
        Networks.layersBelowRecurrent(spec)
            + spec.hiddenSizes().size() * Networks.layersOfRecurrent(spec);
    this.headFlops =
        3.0
            * ModelSummary.of(spec).layers().stream()
                .skip(recurrent)
                .mapToLong(ModelSummary.LayerSummary::forwardFlops)
                .sum();
  }

  /** I of a recurrent layer. */
  static int inputs(ModelSpec spec, int block) {
    List<Integer> sizes = spec.hiddenSizes();
    return block == 0
        ? spec.recurrentInputs()
        : (spec.bidirectional() ? 2 : 1) * sizes.get(block - 1);
  }

  /**
   * Forward over a time chunk.
   *
   * @param block of a recurrent layer, with what normalises it
   */
  double forward(int block, int steps, int windows) {
    long rows = (long) steps * windows;
    int H = spec.hiddenSizes().get(block);
    double flops = 2.0 * spec.cell().gates() * H * (inputs(spec, block) + H) * rows;
    return (block == 0 ? embedding(rows, 2) : 0)
        + directions
            * (products(flops, windows)
                + steps * STEP_SECONDS
                + rows * H * (FORWARD * pointwise() + normalising() / 3));
  }

  /** Whether a block has a gradient of its input. */
  private boolean givesInputGradient(int block) {
    return block > 0 || spec.hasEmbedding() && !spec.embedding().frozen();
  }

  /** Passes over what an embedding gives to so many rows. */
  private double embedding(long rows, int passes) {
    return (double) passes * Float.BYTES * rows * spec.embedding().size() / BYTES_PER_SECOND;
  }

  /** Backward over a time chunk; below the lowest block only an embedding wants a gradient. */
  double backward(int block, int steps, int windows) {
    long rows = (long) steps * windows;
    int H = spec.hiddenSizes().get(block);
    double I = inputs(spec, block);
    double weights = spec.cell().gates() * H * (I + H);
    double flops =
        2
            * rows
            * (weights
                + spec.cell().gates() * (double) H * (givesInputGradient(block) ? I + H : H));
    double sums = Math.max(1, rows / (double) ROWS) * 2 * Float.BYTES * weights / BYTES_PER_SECOND;
    return (block == 0 && givesInputGradient(0) ? embedding(rows, 3) : 0)
        + directions
            * (products(flops, windows)
                + sums
                + steps * STEP_SECONDS
                + rows * H * ((1 - FORWARD) * pointwise() + normalising() * 2 / 3));
  }

  /** All above the recurrent layers, forward and back over whole series. */
  double head(int windows) {
    double numbers = (double) spec.lookBack() * windows * spec.recurrentOutputs();
    return HEAD_SECONDS + headNumberSeconds() * numbers + windows * headFlops / HEAD_FLOPS;
  }

  /** For each number of the series that comes in: the best of 64 windows of 100 steps. */
  private double headNumberSeconds() {
    double nanos =
        switch (spec.attention().kind()) {
          case NONE ->
              switch (spec.output()) {
                case LAST -> 1;
                case MEAN, MAX -> 4;
                case SEQUENCE -> spec.head().kind() == Head.Kind.CLASSES ? 4 : 14;
              };
          case ADDITIVE -> 7;
          case SELF_ATTENTION -> 20;
        };
    return 1e-9 * nanos;
  }

  private double products(double flops, int windows) {
    return flops
        / (isBf16 ? BF16_FLOPS : F32_FLOPS)
        * (1 + (isBf16 ? FEW_IN_BF16 : FEW_IN_F32) / windows)
        / (1 + (isBf16 ? FEW_IN_BF16 : FEW_IN_F32) / 128);
  }

  /** Seconds for each unit and time step, forward and back. */
  private double pointwise() {
    double nanos =
        switch (spec.cell()) {
          case LSTM, PEEPHOLE_LSTM -> 11;
          case LAYERNORM_LSTM -> 36;
          case GRU -> 11;
          case RNN -> 4;
        };
    // oneDNN does them between its products
    return 1e-9 * (isBf16 ? nanos / 2 : nanos);
  }

  private double normalising() {
    return spec.layerNorm() ? NORM_SECONDS : 0;
  }
}
