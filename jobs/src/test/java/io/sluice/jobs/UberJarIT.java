package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The limits of the jar that is given to spark-submit. */
class UberJarIT {
  private static final long MAX_BYTES = 250L * 1000 * 1000;
  private static final Pattern SPARKS =
      Pattern.compile(
          "scala/|org/apache/(spark|hadoop|logging|parquet|avro|commons/(io|lang3|math3|text))/"
              + "|com/fasterxml/jackson/|org/slf4j/");
  // spark-avro is in no Spark download; dl4j-spark has one class in Spark's package
  private static final Pattern GUEST_OF_SPARK =
      Pattern.compile("org/apache/spark/(sql/(v2/)?avro/.*|TaskContextHelper\\$?\\.class)");

  private static Path jar;
  private static List<String> entries;

  @BeforeAll
  static void open() throws IOException {
    try (Stream<Path> files = Files.list(Script.ROOT.resolve("jobs/target"))) {
      jar =
          files
              .filter(file -> file.getFileName().toString().matches("sluice-\\d.*\\.jar"))
              .findFirst()
              .orElseThrow();
    }
    try (var file = new JarFile(jar.toFile())) {
      entries = file.stream().filter(e -> !e.isDirectory()).map(ZipEntry::getName).toList();
    }
  }

  @Test
  void staysUnder250Megabytes() throws IOException {
    assertThat(Files.size(jar)).isLessThan(MAX_BYTES);
  }

  @Test
  void holdsNothingThatSparkBrings() {
    List<String> sparks =
        entries.stream()
            .filter(name -> SPARKS.matcher(name).lookingAt())
            .filter(name -> !GUEST_OF_SPARK.matcher(name).matches())
            .toList();

    assertThat(sparks).isEmpty();
    assertThat(entries).contains("org/apache/spark/sql/avro/AvroFileFormat.class");
  }

  @Test
  void sharesNoClassWithSparksJars() throws IOException {
    Set<String> ours =
        entries.stream()
            .filter(name -> name.endsWith(".class") && !name.startsWith("META-INF/"))
            .collect(Collectors.toSet());
    var shared = new TreeSet<String>();
    Path jars = Script.ROOT.resolve("jobs/runtime/target/spark-3.5.7/jars");
    try (Stream<Path> files = Files.list(jars)) {
      for (Path file : files.toList()) {
        try (var spark = new JarFile(file.toFile())) {
          spark.stream().map(ZipEntry::getName).filter(ours::contains).forEach(shared::add);
        }
      }
    }

    assertThat(shared).isEmpty();
  }

  @Test
  void relocatesWhatAClusterMayHaveInAnotherVersion() {
    assertThat(entries)
        .noneMatch(name -> name.startsWith("com/typesafe/config/"))
        .noneMatch(name -> name.startsWith("picocli/"))
        .noneMatch(name -> name.startsWith("com/google/gson/"))
        .contains("io/sluice/shaded/typesafe/config/Config.class", "io/sluice/reference.conf");
  }

  @Test
  void carriesNativesOfOnePlatformOnly() {
    Set<String> platforms =
        entries.stream()
            .filter(name -> name.matches(".*/(linux|macosx|windows|android|ios)-[^/]+/.*"))
            .filter(name -> name.matches("org/(bytedeco|nd4j)/.*"))
            .map(name -> name.replaceAll(".*/((linux|macosx|windows|android|ios)-[^/]+)/.*", "$1"))
            .collect(Collectors.toSet());

    assertThat(platforms).containsExactly(System.getProperty("native.platform"));
    // the tokenizers of text, whose platforms have other names
    assertThat(entries.stream().filter(name -> name.startsWith("native/lib/")).toList())
        .hasSize(2)
        .contains("native/lib/tokenizers.properties");
  }

  @Test
  void leavesLoggingAndSignaturesToOthers() {
    assertThat(entries)
        .noneMatch(name -> name.matches("log4j.*\\.(properties|xml)"))
        .noneMatch(name -> name.matches("META-INF/[^/]+\\.(SF|DSA|RSA)"));
  }

  @Test
  void mergesServiceFiles() throws IOException {
    try (var file = new JarFile(jar.toFile())) {
      var services = "META-INF/services/org.nd4j.linalg.factory.Nd4jBackend";
      String backends =
          new String(file.getInputStream(file.getEntry(services)).readAllBytes(), "UTF-8");

      assertThat(backends).contains("org.nd4j.linalg.cpu.nativecpu.CpuBackend");
    }
  }
}
