package io.sluice.recurrent.kernel;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * {@link MatrixProducts} whose factors are rounded to bfloat16 on the way in, by oneDNN's matmul;
 * sums and what comes out are float32.
 *
 * <p>700 rows of 650 numbers through 10,000 rows of weights run at 195 to 205 GFLOP/s, where sgemm
 * does 103 to 112 (one thread of an AMD EPYC with AVX512-BF16); rounding takes 0.25 ns a number.
 *
 * <p><b>Memory.</b> One block for each factor, as large as the largest, one for each matrix that is
 * held at a time, and {@link Bf16Weights} given as such. A primitive for each shape of product,
 * made once (0.1 to 1 ms); the {@value #PLANS} used last are kept.
 *
 * <p><b>Accuracy.</b> Each factor to 2⁻⁹ of itself; NaN and infinity stay.
 *
 * <p>Not for several threads at once. Checked by {@code Bf16ProductsTest}.
 */
final class Bf16Products implements MatrixProducts {
  private static final int PLANS = 32;

  private final stream stream = new stream(OneDnn.engine());
  private final Bf16Weights weights = new Bf16Weights(stream);

  /** The one used last at the end. */
  private final List<Plan> plans = new ArrayList<>();

  private final NativeBuffer roomA = new NativeBuffer();
  private final NativeBuffer roomB = new NativeBuffer();

  /** Those that are open. */
  private final List<Rounded> held = new ArrayList<>();

  /** Room of those that were, the last one that was closed first. */
  private final Deque<NativeBuffer> spare = new ArrayDeque<>();

  private final Place place = new Place();

  /** The place of a float in memory, for calls that count a position in bytes. */
  static final class Place extends Pointer {
    Place of(FloatPointer floats) {
      return at(floats.address() + floats.position() * Float.BYTES);
    }

    Place at(long address) {
      this.address = address;
      return this;
    }
  }

  /** A matrix that stays as it is, in bfloat16 from the first product on that needs all of it. */
  private final class Rounded implements Held {
    private final long from;
    private final long numbers;
    private final NativeBuffer room;
    private boolean isReady;

    Rounded(FloatPointer matrix, long numbers) {
      this.from = place.of(matrix).address();
      this.numbers = numbers;
      this.room = spare.isEmpty() ? new NativeBuffer() : spare.pop();
      room.atLeast(numbers * Short.BYTES);
    }

    /** Whether it has what lies there, or will have. */
    boolean has(long address, long wanted) {
      return isReady
          ? from <= address && address + wanted * Float.BYTES <= from + numbers * Float.BYTES
          : from == address && wanted == numbers;
    }

    @Override
    public void close() {
      held.remove(this);
      spare.push(room);
    }
  }

  @Override
  public Held hold(FloatPointer matrix, long numbers) {
    var rounded = new Rounded(matrix, numbers);
    held.add(rounded);
    return rounded;
  }

  /**
   * Lets a product read a factor in bfloat16.
   *
   * @param floats how it lies in memory
   * @param to read by the product
   * @param room for one that is not held
   */
  private void give(
      FloatPointer factor,
      long numbers,
      memory floats,
      reorder rounding,
      memory to,
      NativeBuffer room) {
    long address = place.of(factor).address();
    for (int k = held.size() - 1; k >= 0; k--) {
      Rounded matrix = held.get(k);
      if (matrix.has(address, numbers)) {
        Pointer ready = matrix.room.atLeast(0);
        if (!matrix.isReady) {
          to.set_data_handle(ready);
          round(floats, factor, rounding, to);
          matrix.isReady = true;
        }
        long skipped = (address - matrix.from) / Float.BYTES;
        to.set_data_handle(place.at(ready.address() + skipped * Short.BYTES));
        return;
      }
    }
    to.set_data_handle(room.atLeast(numbers * Short.BYTES));
    round(floats, factor, rounding, to);
  }

  private void round(memory floats, FloatPointer from, reorder rounding, memory to) {
    floats.set_data_handle(place.of(from));
    rounding.execute(stream, floats, to);
  }

  @Override
  public void multiply(
      boolean transposeA,
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C) {
    Plan plan = plan(transposeA, transposeB, M, N, K, beta != 0, false);
    give(B, (long) K * N, plan.floatsB, plan.roundB, plan.b, roomB);
    plan.run(A, C);
  }

  @Override
  public void multiplyByWeights(
      boolean transposeB,
      int M,
      int N,
      int K,
      FloatPointer A,
      FloatPointer B,
      float beta,
      FloatPointer C) {
    Plan plan = plan(false, transposeB, M, N, K, beta != 0, true);
    plan.readWeights(place.of(B).address());
    plan.run(A, C);
  }

  /** It is brought into an order of their own anyway. */
  @Override
  public boolean takesTransposedWell() {
    return true;
  }

  @Override
  public void weightsChanged() {
    weights.changed();
  }

  private Plan plan(
      boolean transposeA, boolean transposeB, int M, int N, int K, boolean adds, boolean packs) {
    int last = plans.size() - 1;
    for (int k = last; k >= 0; k--) {
      Plan known = plans.get(k);
      if (known.isFor(transposeA, transposeB, M, N, K, adds, packs)) {
        if (k < last) {
          plans.remove(k);
          plans.add(known);
        }
        return known;
      }
    }
    if (plans.size() == PLANS) {
      plans.remove(0).close();
    }
    var plan = new Plan(transposeA, transposeB, M, N, K, adds, packs);
    plans.add(plan);
    return plan;
  }

  /** A matrix without gaps, or one whose transpose lies so. */
  static memory.desc matrix(long rows, long columns, memory.data_type type, boolean transposed) {
    return new memory.desc(
        new long[] {rows, columns}, type, transposed ? memory.format_tag.ba : memory.format_tag.ab);
  }

  /** One shape of product. */
  private final class Plan {
    private final boolean transposeA;
    private final boolean transposeB;
    private final int M;
    private final int N;
    private final int K;
    private final boolean adds;
    private final boolean packs;
    private final memory a;
    private final memory b;
    private final memory c;
    private final memory floatsA;
    private final memory floatsB;
    private final reorder roundA;
    private final reorder roundB;
    private final matmul product;
    private final IntMemoryMap arguments = new IntMemoryMap();

    /** How it wants weights; a plan for weights has no memory of its own for them. */
    private final memory.desc order;

    /** Those that it read last. */
    private Bf16Weights.Packed packed;

    Plan(boolean transposeA, boolean transposeB, int M, int N, int K, boolean adds, boolean packs) {
      this.transposeA = transposeA;
      this.transposeB = transposeB;
      this.M = M;
      this.N = N;
      this.K = K;
      this.adds = adds;
      this.packs = packs;
      memory.desc descA = matrix(M, K, memory.data_type.bf16, transposeA);
      memory.desc descB =
          packs
              ? new memory.desc(new long[] {K, N}, memory.data_type.bf16, memory.format_tag.any)
              : matrix(K, N, memory.data_type.bf16, transposeB);
      memory.desc descC = matrix(M, N, memory.data_type.f32, false);
      var attributes = new primitive_attr();
      if (adds) {
        var sum = new post_ops();
        sum.append_sum();
        attributes.set_post_ops(sum);
      }
      var desc = new matmul.primitive_desc(OneDnn.engine(), descA, descB, descC, attributes, false);
      product = new matmul(desc);
      order = packs ? desc.weights_desc() : null;
      a = OneDnn.withoutData(descA);
      b = packs ? null : OneDnn.withoutData(descB);
      c = OneDnn.withoutData(descC);
      floatsA = OneDnn.withoutData(matrix(M, K, memory.data_type.f32, transposeA));
      floatsB = packs ? null : OneDnn.withoutData(matrix(K, N, memory.data_type.f32, transposeB));
      roundA = new reorder(floatsA, a);
      roundB = packs ? null : new reorder(floatsB, b);
      arguments.put(DNNL_ARG_SRC, a);
      arguments.put(DNNL_ARG_DST, c);
      if (!packs) {
        arguments.put(DNNL_ARG_WEIGHTS, b);
      }
    }

    boolean isFor(
        boolean transposeA, boolean transposeB, int M, int N, int K, boolean adds, boolean packs) {
      return this.M == M
          && this.N == N
          && this.K == K
          && this.transposeA == transposeA
          && this.transposeB == transposeB
          && this.adds == adds
          && this.packs == packs;
    }

    /** Names the weights that lie there to the products that follow. */
    void readWeights(long address) {
      if (packed == null || !packed.has(address)) {
        packed = weights.of(address, transposeB, K, N, order);
        arguments.put(DNNL_ARG_WEIGHTS, packed.memory());
      }
    }

    void run(FloatPointer A, FloatPointer C) {
      give(A, (long) M * K, floatsA, roundA, a, roomA);
      c.set_data_handle(place.of(C));
      product.execute(stream, arguments);
      stream._wait();
    }

    void close() {
      arguments.deallocate();
      product.deallocate();
      roundA.deallocate();
      for (memory each : List.of(a, c, floatsA)) {
        each.deallocate();
      }
      if (packs) {
        order.deallocate();
      } else {
        roundB.deallocate();
        b.deallocate();
        floatsB.deallocate();
      }
    }
  }

  @Override
  public String label() {
    return "bf16 over oneDNN";
  }

  /**
   * Bytes of both factors' blocks and of what is held when these were their largest, in numbers.
   */
  static long bytes(long left, long right, long held) {
    return Short.BYTES * (left + right + held);
  }

  /** Bytes of weights (K, N) in the order in which products of M rows read them. */
  static long packedBytes(int M, int N, int K) {
    try (var products = new Bf16Products()) {
      return products.plan(false, false, M, N, K, false, true).order.get_size();
    }
  }

  @Override
  public long nativeBytes() {
    long bytes = roomA.bytes() + roomB.bytes() + weights.bytes();
    for (Rounded each : held) {
      bytes += each.room.bytes();
    }
    for (NativeBuffer each : spare) {
      bytes += each.bytes();
    }
    return bytes;
  }

  @Override
  public void close() {
    plans.forEach(Plan::close);
    plans.clear();
    weights.close();
    roomA.close();
    roomB.close();
    spare.forEach(NativeBuffer::close);
    spare.clear();
    stream.deallocate();
  }
}
