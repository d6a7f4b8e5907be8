package io.sluice.recurrent.embedding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.recurrent.layer.TimeChunk;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;

/** That it computes what the layer does is {@code PipelineTrainingTest}'s to see. */
class ChunkedEmbeddingTest {
  private final ChunkedEmbedding embedding =
      new ChunkedEmbedding(new Embedding.Builder().name("embedding").nIn(3).nOut(2).build());

  /** Steps 4 and 5 of series of 6; the second of two ends after step 4. */
  private final TimeChunk chunk = new TimeChunk(4, 2, 6, 2, 0, new int[] {6, 5});

  private float[] infer(float... ids) {
    float[] y = new float[8];
    try (var steps = new FloatPointer(ids);
        var rows = new FloatPointer(1f, 2, 3, 4, 5, 6);
        var out = new FloatPointer(8L)) {
      embedding.infer(0, chunk, steps, rows, out);
      out.get(y);
    }
    return y;
  }

  @Test
  void idsBecomeRowsAndWhatFollowsAnEndZerosWhateverItIs() {
    assertThat(infer(2, 0, 1, 99)).containsExactly(5, 6, 1, 2, 3, 4, 0, 0);
  }

  @Test
  void aBadIdIsNamedWithItsPlaceInTheSeries() {
    assertThatThrownBy(() -> infer(2, 0, 3, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Id for layer embedding at sequence 0, time step 5 is 3, must be a whole number from 0 to 2; mask it if there is none");
    assertThatThrownBy(() -> infer(2, 0.5f, 1, 0))
        .hasMessageContaining("at sequence 1, time step 4 is 0.5, must be");
  }

  @Test
  void gradientsOfTouchedRowsAreAddedToThem() {
    infer(2, 2, 1, 99);
    var touched = new TouchedRows();
    touched.clear();
    float[] gradient = new float[6];
    try (var dy = new FloatPointer(1f, 2, 3, 4, 5, 6, Float.NaN, Float.NaN);
        var rows = new FloatPointer(0f, 0, 0, 0, 1, 1)) {
      embedding.backward(0, chunk, dy, rows, touched);
      rows.get(gradient);
    }

    assertThat(gradient).containsExactly(0, 0, 5, 6, 5, 7);
    assertThat(touched).hasToString("[1, 2]");
  }
}
