package io.sluice.training.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CheckpointTest {
  static final Map<String, String> SETTINGS =
      Map.of("model.hidden-sizes", "[64, 64]", "train.seed", "1");

  /** One with numbers of every kind, among them those whose bits a careless copy would change. */
  static Checkpoint whole(long step, int parameters, int moments, boolean hasAverage) {
    var random = new Random(step);
    return new Checkpoint(
        new Checkpoint.Position(
            2, 3, step, 1.5, 48, Double.NaN, 0.6, 1, 0.6, 0, 12.5, List.of(4), 1, null),
        SETTINGS,
        floats(random, parameters),
        floats(random, parameters * moments),
        floats(random, hasAverage ? parameters : 0),
        floats(random, parameters));
  }

  private static float[] floats(Random random, int length) {
    var values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = Float.intBitsToFloat(random.nextInt());
    }
    if (length > 1) {
      values[0] = -0f;
      values[length - 1] = Float.intBitsToFloat(0x7fa1_2345);
    }
    return values;
  }

  /** Its file, which tells one NaN from another. */
  static byte[] bytes(Checkpoint checkpoint) {
    var file = new ByteArrayOutputStream();
    try {
      CheckpointFile.write(checkpoint, file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return file.toByteArray();
  }

  @Test
  void aRangeHasItsShareOfEachMoment() {
    var whole =
        new Checkpoint(
            Checkpoint.Position.START,
            SETTINGS,
            new float[] {1, 2, 3},
            new float[] {10, 20, 30, 100, 200, 300},
            new float[0],
            new float[] {4, 5, 6});

    Checkpoint part = whole.range(1, 3);

    assertThat(part.position()).isEqualTo(whole.position());
    assertThat(part.settings()).isEqualTo(SETTINGS);
    assertThat(part.parameters()).containsExactly(2, 3);
    assertThat(part.optimizer()).containsExactly(20, 30, 200, 300);
    assertThat(part.averageParameters()).isEmpty();
    assertThat(part.bestParameters()).containsExactly(5, 6);
  }

  @Test
  void theRangeOfAllIsAll() {
    Checkpoint whole = whole(7, 11, 2, true);

    Checkpoint part = whole.range(0, 11);

    assertThat(bytes(part)).isEqualTo(bytes(whole));
  }

  @Test
  void statesOfStreamsAreKeptAndHaveNoRange() throws IOException {
    Checkpoint w = whole(7, 11, 1, true);
    var carrying =
        new Checkpoint(
            w.position(),
            w.settings(),
            w.parameters(),
            w.optimizer(),
            w.averageParameters(),
            w.bestParameters(),
            new float[] {0.5f, -0f, 3});
    byte[] file = bytes(carrying);

    Checkpoint read = CheckpointFile.read(new ByteArrayInputStream(file), file.length);

    assertThat(bytes(read)).isEqualTo(file);
    assertThat(read.carriedStates()).containsExactly(0.5f, -0f, 3);
    assertThat(file).hasSizeGreaterThan(bytes(w).length + 3 * Float.BYTES);
    assertThatThrownBy(() -> carrying.range(0, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("carriedStates has length 3, expected 0 (P=11)");
  }

  @ParameterizedTest
  @CsvSource({"-1, 2", "2, 2", "3, 2", "0, 12"})
  void aRangeOutsideIsRefused(long from, long to) {
    Checkpoint whole = whole(7, 11, 0, false);

    assertThatThrownBy(() -> whole.range(from, to))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "range is [%d, %d), must hold a parameter and lie within [0, P = 11)", from, to);
  }

  @Test
  void arraysThatAreNotOfTheParametersAreRefused() {
    Checkpoint w = whole(7, 11, 1, true);

    assertRefused(w.parameters(), new float[12], w.averageParameters(), w.bestParameters())
        .hasMessage("optimizer has length 12, expected a multiple of P (P=11)");
    assertRefused(w.parameters(), w.optimizer(), new float[3], w.bestParameters())
        .hasMessage("averageParameters has length 3, expected 0 or P (P=11)");
    assertRefused(w.parameters(), w.optimizer(), w.averageParameters(), new float[22])
        .hasMessage("bestParameters has length 22, expected P (P=11)");
  }

  private static AbstractThrowableAssert<?, ?> assertRefused(
      float[] parameters, float[] optimizer, float[] average, float[] best) {
    var whole =
        new Checkpoint(Checkpoint.Position.START, SETTINGS, parameters, optimizer, average, best);
    return assertThatThrownBy(() -> whole.range(0, 5)).isInstanceOf(IllegalArgumentException.class);
  }
}
