package io.sluice.recurrent.pass;

/**
 * The forward and backward pass of some examples through one network, on the thread that computes
 * it.
 *
 * <p>There is none where DL4J trains a network by itself ({@code fit}), nor while a network
 * predicts.
 */
public final class TrainingPass implements AutoCloseable {
  private static final ThreadLocal<TrainingPass> CURRENT = new ThreadLocal<>();

  private final int step;
  private final long[] keys;
  private final Backward backward;
  private final float lossScale;
  private final int frozenLayers;

  /** Who is told how far the backward pass has come. */
  public interface Backward {
    /**
     * The backward pass of a layer begins: the gradients of all layers above are final.
     *
     * @param layer index in the network, from 0 at the bottom
     */
    void begins(int layer);
  }

  private TrainingPass(
      int step, long[] keys, Backward backward, float lossScale, int frozenLayers) {
    this.step = step;
    this.keys = keys;
    this.backward = backward;
    this.lossScale = lossScale;
    this.frozenLayers = frozenLayers;
  }

  /**
   * Binds a pass in full precision to the calling thread until it is closed; see {@link #begin(int,
   * long[], Backward, float)}.
   */
  public static TrainingPass begin(int step, long[] keys, Backward backward) {
    return begin(step, keys, backward, 1);
  }

  /**
   * Binds a pass to the calling thread until it is closed.
   *
   * @param step steps taken before
   * @param keys one for each row of the network's input, in its order; not copied
   * @param backward is told; null is nobody
   * @param lossScale what lifts gradients into the range of half precision, see {@link #lossScale}
   */
  public static TrainingPass begin(int step, long[] keys, Backward backward, float lossScale) {
    return begin(step, keys, backward, lossScale, 0);
  }

  /**
   * Binds a pass to the calling thread whose way back ends above the lowest layers.
   *
   * @param frozenLayers that learn nothing, from the bottom; see {@link #isFrozen}
   */
  public static TrainingPass begin(
      int step, long[] keys, Backward backward, float lossScale, int frozenLayers) {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("A training pass has begun on this thread and not ended");
    }
    var pass = new TrainingPass(step, keys, backward, lossScale, frozenLayers);
    CURRENT.set(pass);
    return pass;
  }

  /** The calling thread's; null if it has none. */
  public static TrainingPass current() {
    return CURRENT.get();
  }

  /** For a layer whose backward pass begins. */
  public static void backwardBegins(int layer) {
    TrainingPass pass = CURRENT.get();
    if (pass != null && pass.backward != null) {
      pass.backward.begins(layer);
    }
  }

  /**
   * Whether a layer learns nothing in the calling thread's pass, and no layer below it: its
   * backward pass leaves a gradient of zeros, gives none of its input, and reads nothing of what it
   * is given.
   *
   * @param layer index in the network, from 0 at the bottom
   */
  public static boolean isFrozen(int layer) {
    TrainingPass pass = CURRENT.get();
    return pass != null && layer < pass.frozenLayers;
  }

  /**
   * The calling thread's loss scale: what a layer that computes in half precision multiplies
   * gradients by on their way in and divides them by on their way out; 1 without a pass.
   */
  public static float lossScale() {
    TrainingPass pass = CURRENT.get();
    return pass == null ? 1 : pass.lossScale;
  }

  /** Steps taken before. */
  public int step() {
    return step;
  }

  /** B. */
  public int examples() {
    return keys.length;
  }

  /** What tells the example in a row from all others. */
  public long key(int row) {
    return keys[row];
  }

  @Override
  public void close() {
    CURRENT.remove();
  }
}
