package io.sluice.recurrent.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** The stages of one replica as threads: what they send each other is copied into queues. */
final class InMemoryLinks {
  private static final int SECONDS = 5;

  /** Rows of an embedding are of no unit. */
  private static final Unit ROWS = new Unit(true, 0, 0, 0);

  private record Floats(Unit unit, float[] values) {}

  private final List<LinkedBlockingQueue<Object>> up = new ArrayList<>();
  private final List<LinkedBlockingQueue<Object>> down = new ArrayList<>();

  /** By sender. */
  private final List<LinkedBlockingQueue<Object>> tied = new ArrayList<>();

  private final List<double[]> parts = new ArrayList<>();
  private final CyclicBarrier barrier;
  private double[] sums;

  InMemoryLinks(int stages) {
    for (int stage = 0; stage < stages; stage++) {
      up.add(new LinkedBlockingQueue<>());
      down.add(new LinkedBlockingQueue<>());
      tied.add(new LinkedBlockingQueue<>());
      parts.add(null);
    }
    this.barrier =
        new CyclicBarrier(
            stages,
            () -> {
              sums = new double[parts.get(0).length];
              for (double[] each : parts) {
                for (int k = 0; k < sums.length; k++) {
                  sums[k] += each[k];
                }
              }
            });
  }

  /** Units that lie between two stages and are not received yet. */
  int waiting(int stage) {
    return up.get(stage).size();
  }

  StageStep.StageSum sum(int stage) {
    return numbers -> {
      parts.set(stage, numbers);
      meet();
      double[] all = sums.clone();
      meet();
      return all;
    };
  }

  private void meet() {
    try {
      barrier.await(SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
      throw new IllegalStateException(e);
    }
  }

  StageLinks stage(int stage) {
    return new StageLinks() {
      @Override
      public void send(Header header) {
        up.get(stage).add(header);
      }

      @Override
      public Header receiveHeader() {
        return (Header) take(up.get(stage - 1));
      }

      @Override
      public void send(int microBatch, Examples examples) {
        up.get(stage).add(examples);
      }

      @Override
      public Examples receiveExamples(int microBatch) {
        return (Examples) take(up.get(stage - 1));
      }

      @Override
      public void sendUp(Unit unit, Pointer activations, long n) {
        up.get(stage).add(floats(unit, activations, n));
      }

      @Override
      public void receiveFromBelow(Unit unit, Pointer activations, long n) {
        receive(up.get(stage - 1), unit, activations, n);
      }

      @Override
      public void sendTied(Pointer rows, long n) {
        tied.get(stage).add(floats(ROWS, rows, n));
      }

      @Override
      public void receiveTied(Pointer rows, long n) {
        receive(tied.get(stage == 0 ? tied.size() - 1 : 0), ROWS, rows, n);
      }

      @Override
      public void sendDone() {
        down.get(stage).add("done");
      }

      @Override
      public void receiveDone() {
        assertThat(take(down.get(stage + 1))).isEqualTo("done");
      }

      @Override
      public void sendDown(Unit unit, Pointer gradients, long n) {
        down.get(stage).add(floats(unit, gradients, n));
      }

      @Override
      public void receiveFromAbove(Unit unit, Pointer gradients, long n) {
        receive(down.get(stage + 1), unit, gradients, n);
      }
    };
  }

  private static Floats floats(Unit unit, Pointer memory, long n) {
    float[] values = new float[Math.toIntExact(n)];
    new FloatPointer(memory).get(values);
    return new Floats(unit, values);
  }

  private static void receive(LinkedBlockingQueue<Object> queue, Unit unit, Pointer to, long n) {
    Floats floats = (Floats) take(queue);
    assertThat(floats.unit.toString()).isEqualTo(unit.toString());
    assertThat(floats.values).hasSize(Math.toIntExact(n));
    new FloatPointer(to).put(floats.values);
  }

  private static Object take(LinkedBlockingQueue<Object> queue) {
    try {
      Object taken = queue.poll(SECONDS, TimeUnit.SECONDS);
      assertThat(taken).as("sent within %d s", SECONDS).isNotNull();
      return taken;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
