package io.sluice.training.allreduce;

import io.sluice.training.allreduce.ExchangePlan.Range;
import io.sluice.training.allreduce.ExchangePlan.Step;
import io.sluice.training.transport.Link;
import java.nio.ByteBuffer;
import java.util.List;

/** A sum of a short array, by the steps of an {@link ExchangePlan}, each a message or two. */
final class ExchangeSum extends Sum {
  private final LinkedAllReduce all;
  private final Values values;
  private final List<Step> steps;
  private ByteBuffer[] inbox;
  private int step;
  private boolean sent;

  ExchangeSum(LinkedAllReduce all, long id, Values values) {
    super(all, id, values.count());
    this.all = all;
    this.values = values;
    boolean whole = (long) values.count() * values.bytes() <= ExchangePlan.DOUBLING_BYTES;
    this.steps = ExchangePlan.steps(all.rank(), all.ranks(), values.count(), whole);
  }

  /**
   * @param early messages of partners that were ahead, by tag; null if there are none
   */
  void take(ByteBuffer[] early) {
    inbox = early != null ? early : new ByteBuffer[ExchangePlan.tags(all.ranks())];
  }

  @Override
  void start() {
    advance();
  }

  void arrived(int tag, ByteBuffer numbers) {
    inbox[tag] = numbers;
    advance();
  }

  private void advance() {
    while (step < steps.size() && !hasFailed()) {
      Step now = steps.get(step);
      if (!sent && now.send() != null) {
        Range range = now.send();
        all.sendNumbers(
            all.link(now.partner()),
            this,
            now.tag(),
            values.encoded(range.from(), range.to()),
            read());
        sent = true;
      }
      if (now.take() != null) {
        ByteBuffer numbers = inbox[now.tag()];
        if (numbers == null) {
          return;
        }
        inbox[now.tag()] = null;
        Range range = now.take();
        if (numbers.remaining() != (range.to() - range.from()) * values.bytes()) {
          throw new IllegalArgumentException(
              "%,d bytes for [%d, %d) of sum %d, which has %,d %s"
                  .formatted(numbers.remaining(), range.from(), range.to(), id, count, kind()));
        }
        values.take(range.from(), range.to(), numbers, now.adds());
      }
      step++;
      sent = false;
    }
    settle();
  }

  @Override
  boolean isComplete() {
    return step == steps.size();
  }

  @Override
  void finish() {
    if (values instanceof Values.Floats floats) {
      floats.store();
    }
  }

  @Override
  Link missing() {
    return all.link(steps.get(Math.min(step, steps.size() - 1)).partner());
  }

  @Override
  String waitsFor() {
    return "has not sent its part";
  }

  @Override
  String kind() {
    return values.kind();
  }
}
