package io.sluice.scoring.bundle;

import static io.sluice.scoring.bundle.BundleFixture.HADOOP;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.dataset.TinyDataset;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A bundle predicts in a process that has no Spark and no Scala on its class path. */
class PlainJvmIT {
  /** Sluice, Hadoop's client, DL4J and what DL4J needs; nothing that only Spark brings. */
  private static final List<String> ALLOWED =
      List.of(
          "/sluice-",
          "/target/classes",
          "/target/test-classes",
          "/org/apache/hadoop/hadoop-client-",
          "/org/deeplearning4j/",
          "/org/nd4j/",
          "/org/bytedeco/",
          "/com/fasterxml/jackson/core/",
          "/com/typesafe/config/",
          "/org/slf4j/slf4j-api/",
          "/org/apache/logging/log4j/",
          "/commons-io/",
          "/commons-codec/",
          "/commons-logging/",
          "/commons-net/",
          "/org/apache/commons/",
          "/com/google/flatbuffers/",
          "/com/google/code/gson/",
          "/com/github/oshi/",
          "/com/jakewharton/byteunits/",
          "/net/java/dev/jna/",
          "/net/ericaro/",
          "/it/unimi/dsi/",
          "/org/threeten/");

  @TempDir Path folder;

  @Test
  void bundlePredictsTheSameWithoutSpark() throws Exception {
    TinyDataset tiny = TinyDataset.forecast().days(20);
    BundleFixture fixture = BundleFixture.forecast(folder.resolve("dataset"));
    PublishedBundle published = fixture.publish(folder.resolve("models"), Optional.empty());
    Segment segment = tiny.segments(Split.TEST).get(1);
    Path saved = folder.resolve("segment.json");
    Files.write(saved, ManifestJson.mapper().writeValueAsBytes(segment));
    Path output = folder.resolve("predictions.json");

    String log = runPlainJava(published.uri(), saved.toString(), output.toString());

    float[] expected =
        PlainJvmPrediction.predict(ModelBundle.open(published.uri(), HADOOP), segment).original();
    float[] found = new ObjectMapper().readValue(output.toFile(), float[].class);
    assertThat(log).contains("absent: org.apache.spark.SparkContext", "absent: scala.Option");
    assertThat(found).hasSameSizeAs(expected).hasSizeGreaterThan(100);
    for (int i = 0; i < found.length; i++) {
      assertThat(found[i]).isCloseTo(expected[i], within(1e-6f));
    }
  }

  private String runPlainJava(String... args) throws Exception {
    String classPath =
        Arrays.stream(
                System.getProperty(
                        "surefire.test.class.path", System.getProperty("java.class.path"))
                    .split(File.pathSeparator))
            .filter(entry -> ALLOWED.stream().anyMatch(entry.replace('\\', '/')::contains))
            .filter(entry -> !entry.contains("spark") && !entry.contains("scala"))
            .collect(Collectors.joining(File.pathSeparator));
    assertThat(classPath).contains("hadoop-client-runtime", "deeplearning4j-nn");
    var command =
        new java.util.ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-cp",
                classPath,
                PlainJvmPrediction.class.getName()));
    command.addAll(List.of(args));
    Path log = folder.resolve("log.txt");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    boolean ended = process.waitFor(120, TimeUnit.SECONDS);
    process.destroyForcibly();
    String text = Files.readString(log);
    assertThat(ended).as(text).isTrue();
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }
}
