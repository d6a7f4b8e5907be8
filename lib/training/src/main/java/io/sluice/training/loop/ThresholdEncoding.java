package io.sluice.training.loop;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.bytedeco.javacpp.IntPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's threshold encoders: a message takes ±threshold out of numbers, and puts it into others.
 *
 * <p>A message is 32-bit integers, or nothing where nothing is sent:
 *
 * <pre>
 * 0  numbers in the list                        not used
 * 1  length of the array                        length of the array
 * 2  threshold, as float32                      threshold, as float32
 * 3  0: a list                                  1: a map
 * 4  1 + index, negative for −threshold, …      2 bits a number, 16 to an integer
 * </pre>
 *
 * <p>A list has the numbers x with |x| ≥ threshold. What it cannot say: one number alone (ND4J
 * encodes none then), and more than 1/16 of them (then the first ones of the array are in it).
 * Where more are expected the message is a map, which is 1/16 as long as the array. It can say
 * three things of a number: threshold where x ≥ threshold, −threshold where x ≤ −threshold, and
 * −threshold/2 where x ≤ −threshold/2.
 *
 * <p>Whatever is not in the message stays in the array: the array is the residual.
 */
final class ThresholdEncoding {
  private static final int HEAD = 4;
  private static final int LIST = 0;
  private static final int MAP = 1;

  /** Numbers that are looked at to choose a threshold: of 1 % of them the error is a tenth. */
  static final int SAMPLE = 8192;

  /** Fractional part of the golden ratio: its multiples are spread over [0, 1) evenly. */
  private static final double GOLDEN = 0.6180339887498949;

  private final ThresholdSettings settings;

  ThresholdEncoding(ThresholdSettings settings) {
    this.settings = settings;
  }

  /** Length of the longest message. */
  static int maxBytes(long length) {
    return Math.toIntExact((length / 16 + 5) * Integer.BYTES);
  }

  /**
   * Takes what is sent out of an array.
   *
   * @param residual vector, its own memory; what is left when this returns
   * @return to be sent; may be empty
   */
  ByteBuffer encode(INDArray residual) {
    float[] sample = magnitudes(residual);
    float threshold = threshold(sample);
    if (!(threshold > 0)) {
      return ByteBuffer.allocate(0);
    }
    boolean many = shareFrom(sample, threshold) > ThresholdSettings.MAX_DENSITY;
    return many ? map(residual, threshold) : list(residual, threshold);
  }

  private static ByteBuffer list(INDArray residual, float threshold) {
    int boundary = (int) (residual.length() / 16);
    INDArray encoded = Nd4j.getExecutioner().thresholdEncode(residual, threshold, boundary);
    return encoded == null ? ByteBuffer.allocate(0) : bytes(encoded);
  }

  private static ByteBuffer map(INDArray residual, float threshold) {
    INDArray encoded = Nd4j.create(DataType.INT32, residual.length() / 16 + 5);
    Nd4j.getExecutioner().bitmapEncode(residual, encoded, threshold);
    return bytes(encoded);
  }

  private static ByteBuffer bytes(INDArray encoded) {
    int[] integers = new int[(int) encoded.length()];
    new IntPointer(encoded.data().addressPointer()).get(integers);
    encoded.close();
    ByteBuffer bytes =
        ByteBuffer.allocate(integers.length * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(integers);
    return bytes;
  }

  /**
   * Adds what was sent to an array.
   *
   * @param message in little-endian order; may be empty
   * @param target vector
   * @throws IllegalArgumentException if it is no message for an array of this length: ND4J would
   *     write wherever it says
   */
  static void decode(ByteBuffer message, INDArray target) {
    if (!message.hasRemaining()) {
      return;
    }
    int[] integers = new int[message.remaining() / Integer.BYTES];
    message.asIntBuffer().get(integers);
    requireSound(integers, message.remaining(), target.length());
    INDArray encoded = Nd4j.createFromArray(integers);
    if (integers[3] == LIST) {
      Nd4j.getExecutioner().thresholdDecode(encoded, target);
    } else {
      Nd4j.getExecutioner().bitmapDecode(encoded, target);
    }
    encoded.close();
  }

  private static void requireSound(int[] integers, int bytes, long length) {
    boolean sound =
        bytes % Integer.BYTES == 0
            && integers.length >= HEAD
            && integers[1] == length
            && (integers[3] == LIST && integers[0] == integers.length - HEAD
                || integers[3] == MAP && integers.length == length / 16 + 5);
    if (sound && integers[3] == LIST) {
      for (int i = HEAD; i < integers.length; i++) {
        int place = Math.abs(integers[i]);
        sound &= place >= 1 && place <= length;
      }
    }
    if (!sound) {
      throw new IllegalArgumentException(
          "%,d bytes that begin with %s are no encoding of %,d numbers"
              .formatted(
                  bytes,
                  Arrays.toString(Arrays.copyOf(integers, Math.min(HEAD, integers.length))),
                  length));
    }
  }

  /**
   * The threshold that was set, or the one that the wanted share reaches; where fewer are not zero,
   * half of those. 0 where all are zero.
   */
  private float threshold(float[] sample) {
    if (settings.threshold() > 0) {
      return (float) settings.threshold();
    }
    int firstNonZero = firstFrom(sample, Float.MIN_VALUE);
    int nonZero = sample.length - firstNonZero;
    if (nonZero == 0) {
      return 0;
    }
    int wanted = Math.max(2, (int) Math.round(settings.density() * sample.length));
    return sample[sample.length - Math.min(wanted, (nonZero + 1) / 2)];
  }

  private static double shareFrom(float[] sample, float threshold) {
    return (sample.length - firstFrom(sample, threshold)) / (double) sample.length;
  }

  /** Index of the first that is at least {@code limit}. */
  private static int firstFrom(float[] sorted, float limit) {
    int from = 0;
    int to = sorted.length;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (sorted[middle] < limit) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  /** Magnitudes of numbers at places that are the same each time, in ascending order. */
  private static float[] magnitudes(INDArray array) {
    int length = (int) array.length();
    FloatBuffer numbers = SharedGradient.bytes(array, 0, length).asFloatBuffer();
    float[] sample = new float[Math.min(length, SAMPLE)];
    for (int i = 0; i < sample.length; i++) {
      double place = i * GOLDEN;
      int at = length <= SAMPLE ? i : (int) ((place - Math.floor(place)) * length);
      sample[i] = Math.abs(numbers.get(at));
    }
    Arrays.sort(sample);
    return sample;
  }
}
