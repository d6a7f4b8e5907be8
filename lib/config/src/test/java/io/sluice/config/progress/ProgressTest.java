package io.sluice.config.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final AtomicLong clock = new AtomicLong();

  @Test
  void printsALineNowAndThenWhereNobodySitsAtATerminal() {
    var progress = new Progress(out, false, clock::get);
    var texts = new AtomicInteger();

    try (Progress.Task task = progress.start("train", 100)) {
      for (int step = 1; step <= 50; step++) {
        clock.addAndGet(TimeUnit.SECONDS.toNanos(1));
        int at = step;
        task.at(
            step,
            () -> {
              texts.incrementAndGet();
              return "step " + at;
            });
      }
    }

    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .containsExactly(
            "train   1% | step 1 | time left unknown",
            "train  11% | step 11 | time left 1m 29s",
            "train  21% | step 21 | time left 1m 19s",
            "train  31% | step 31 | time left 1m 09s",
            "train  41% | step 41 | time left 59s");
    assertThat(texts).hasValue(5);
  }

  @Test
  void redrawsABarOnATerminal() {
    var progress = new Progress(out, true, clock::get);

    try (Progress.Task task = progress.start("train", 4)) {
      clock.addAndGet(TimeUnit.SECONDS.toNanos(2));
      task.at(1, () -> "loss 0.5000");
      clock.addAndGet(TimeUnit.SECONDS.toNanos(1));
      task.at(2, () -> "loss 0.4000");
    }

    String first = "train [######..................]  25% | loss 0.5000 | time left unknown";
    String bar = "train [############............]  50% | loss 0.4000 | time left 2s";
    String padded = bar + " ".repeat(first.length() - bar.length());
    assertThat(bytes.toString(StandardCharsets.UTF_8))
        .isEqualTo("\r" + first + "\r" + padded + "\r" + bar + System.lineSeparator());
  }

  @Test
  void speedCountsWhatWasDoneAfterTheFirstCall() {
    var progress = new Progress(out, false, clock::get);

    Progress.Task task = progress.start("train", 100);
    clock.addAndGet(TimeUnit.SECONDS.toNanos(100));
    task.at(90, () -> "");
    clock.addAndGet(TimeUnit.SECONDS.toNanos(30));
    task.at(93, () -> "");

    assertThat(bytes.toString(StandardCharsets.UTF_8).lines())
        .containsExactly("train  90% | time left unknown", "train  93% | time left 1m 10s");
  }

  @Test
  void silenceMakesNoText() {
    try (Progress.Task task = Progress.silent().start("train", 1)) {
      task.at(
          1,
          () -> {
            throw new AssertionError("text was made");
          });
      task.say("nothing");
    }

    assertThat(bytes.size()).isZero();
  }

  @Test
  void durationsReadWell() {
    assertThat(Progress.words(Duration.ofSeconds(8))).isEqualTo("8s");
    assertThat(Progress.words(Duration.ofSeconds(250))).isEqualTo("4m 10s");
    assertThat(Progress.words(Duration.ofSeconds(3725))).isEqualTo("1h 02m");
  }
}
