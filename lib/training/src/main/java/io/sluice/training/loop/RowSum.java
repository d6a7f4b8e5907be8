package io.sluice.training.loop;

import io.sluice.recurrent.embedding.TouchedRows;
import io.sluice.recurrent.kernel.FloatMemory;
import io.sluice.recurrent.optim.RowBlock;
import io.sluice.training.allreduce.AllReduce;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.time.Duration;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The sum over the ranks of a block of rows that are zero but where a rank has touched them: only
 * touched rows travel.
 *
 * <pre>{@code
 * gather   the ids of each rank's touched rows           4 bytes an id
 * all      union = ids of any rank, in ascending order
 * sum      rows of the union, one after the other        4·E bytes a row
 * }</pre>
 *
 * <p>A rank that has not touched a row of the union sends zeros. Where half of all rows or more are
 * in the union, the whole block is summed as it lies.
 *
 * <p><b>Bytes.</b> With n rows touched on each of R ranks, U in the union, each rank sends about
 * 4·n·(R−1) + 8·E·U·(R−1)/R bytes, against 8·E·V·(R−1)/R of the whole block.
 *
 * <p><b>Considered:</b> gathering the rows with their ids. One exchange in place of two, but each
 * rank's rows go to all others in full, and frequent words are among all of them.
 */
final class RowSum {
  private final AllReduce ranks;
  private final TouchedRows union = new TouchedRows();
  private final FloatMemory memory = new FloatMemory();
  private ByteBuffer ids = ByteBuffer.allocate(0);
  private ByteBuffer packed = ByteBuffer.allocateDirect(0);
  private int[] others = new int[0];
  private float[] row = new float[0];

  // of the sum under way
  private AllReduce.Gathering gathering;
  private INDArray gradient;
  private RowBlock rows;
  private TouchedRows touched;

  RowSum(AllReduce ranks) {
    this.ranks = ranks;
  }

  /** Begins to bring the ids together. */
  void begin(INDArray gradient, RowBlock rows, TouchedRows touched) {
    this.gradient = gradient;
    this.rows = rows;
    this.touched = touched;
    int bytes = touched.count() * Integer.BYTES;
    if (ids.capacity() < bytes) {
      ids = ByteBuffer.allocate(bytes + bytes / 2).order(ByteOrder.LITTLE_ENDIAN);
    }
    touched.writeTo(ids.clear().order(ByteOrder.LITTLE_ENDIAN).asIntBuffer());
    gathering = ranks.gather(ids.limit(bytes), Math.multiplyExact(rows.count(), Integer.BYTES));
  }

  /** Waits for the ids, then for the rows; does nothing where none was begun. */
  void finish(Duration deadline) throws InterruptedException {
    if (gathering == null) {
      return;
    }
    gathering.await(deadline);
    unite();
    if (2L * union.count() >= rows.count()) {
      ranks.sum(SharedGradient.bytes(gradient, 0, rows.numbers())).await(deadline);
    } else if (union.count() > 0) {
      sumPacked(deadline);
    }
    touched.clear();
    touched.add(union);
  }

  private void unite() {
    union.clear();
    for (ByteBuffer message : gathering.messages()) {
      IntBuffer list = message.order(ByteOrder.LITTLE_ENDIAN).asIntBuffer();
      int n = list.remaining();
      if (others.length < n) {
        others = new int[n];
      }
      list.get(others, 0, n);
      requireRows(n);
      union.add(others, n);
    }
  }

  private void requireRows(int n) {
    int before = -1;
    for (int k = 0; k < n; k++) {
      if (others[k] <= before || others[k] >= rows.count()) {
        throw new IllegalStateException(
            "A rank's touched rows have %d after %d, must ascend and be below %d"
                .formatted(others[k], before, rows.count()));
      }
      before = others[k];
    }
  }

  private void sumPacked(Duration deadline) throws InterruptedException {
    int E = rows.size();
    int bytes = Math.multiplyExact(Math.multiplyExact(union.count(), E), Float.BYTES);
    if (packed.capacity() < bytes) {
      packed = ByteBuffer.allocateDirect((int) Math.min(Integer.MAX_VALUE, bytes + bytes / 2L));
    }
    packed.clear().limit(bytes).order(ByteOrder.nativeOrder());
    if (row.length < E) {
      row = new float[E];
    }
    FloatBuffer numbers = packed.asFloatBuffer();
    FloatMemory block = memory.at(gradient.data().addressPointer(), rows.numbers());
    for (int k = 0; k < union.count(); k++) {
      block.get((long) union.id(k) * E, row, E);
      numbers.put(k * E, row, 0, E);
    }
    ranks.sum(packed).await(deadline);
    for (int k = 0; k < union.count(); k++) {
      numbers.get(k * E, row, 0, E);
      block.put((long) union.id(k) * E, row, E);
    }
  }

  /** After a step, however it ended. */
  void end() {
    gathering = null;
    gradient = null;
    touched = null;
  }
}
