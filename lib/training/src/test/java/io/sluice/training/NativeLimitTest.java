package io.sluice.training;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.spark.SparkConf;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;

class NativeLimitTest {
  private static final String DEFAULTS = "spark.executor.defaultJavaOptions";
  private static final String OWN = "spark.executor.extraJavaOptions";

  @Test
  void ofExecutorsIsWhatTheirLastOptionSays() {
    SparkConf conf = new SparkConf(false).set(DEFAULTS, option("2048m"));
    assertThat(NativeLimit.ofExecutors(conf, 5)).isEqualTo(2048L << 20);

    conf.set(OWN, "-Xss1m " + option("1g") + " -XX:+UseParallelGC");
    assertThat(NativeLimit.ofExecutors(conf, 5)).isEqualTo(1L << 30);
  }

  @Test
  void ofExecutorsIsTheHeapWhereNothingIsSaid() {
    assertThat(NativeLimit.ofExecutors(new SparkConf(false), 5)).isEqualTo(5);
  }

  @Test
  void zeroIsNone() {
    assertThat(NativeLimit.ofExecutors(new SparkConf(false).set(OWN, option("0")), 5))
        .isEqualTo(NativeLimit.NONE);
  }

  @Test
  void ofThisProcessIsJavaCpps() {
    assertThat(NativeLimit.ofThisProcess()).isEqualTo(Pointer.maxBytes());
  }

  private static String option(String size) {
    return "-Dorg.bytedeco.javacpp.maxbytes=" + size;
  }
}
