package io.sluice.recurrent.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostCopyTest {
  @ParameterizedTest
  // below, at and above what several threads copy; the last chunk is a part of one
  @ValueSource(ints = {1, 524_287, 524_288, 1_300_001})
  void copiesEveryNumberAndNoMore(int floats) {
    float[] values = new float[floats + 2];
    var random = new Random(1);
    for (int k = 0; k < values.length; k++) {
      values[k] = random.nextFloat();
    }
    var from = new FloatPointer(values);
    var to = new FloatPointer(new float[floats + 2]);

    HostCopy.copy(to.getPointer(1), from.getPointer(1), (long) floats * Float.BYTES);

    float[] copied = new float[floats + 2];
    to.get(copied);
    values[0] = 0;
    values[floats + 1] = 0;
    assertThat(copied).isEqualTo(values);
  }
}
