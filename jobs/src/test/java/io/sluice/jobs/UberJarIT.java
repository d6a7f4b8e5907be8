package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The limits of the jar that is given to spark-submit. */
class UberJarIT {
  private static final long MAX_BYTES = 250L * 1000 * 1000;
  // spark-avro is in no Spark download and travels along
  private static final String SPARK_AVRO = "org/apache/spark/sql/avro/";

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
    assertThat(entries)
        .noneMatch(name -> name.startsWith("scala/"))
        .noneMatch(name -> name.startsWith("org/apache/hadoop/"))
        .noneMatch(name -> name.startsWith("com/fasterxml/jackson/"))
        .noneMatch(name -> name.startsWith("org/slf4j/"))
        .noneMatch(name -> name.startsWith("org/apache/logging/"))
        .noneMatch(name -> name.startsWith("org/apache/spark/") && !name.startsWith(SPARK_AVRO))
        .anyMatch(name -> name.startsWith(SPARK_AVRO));
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

    // annotations that leave no trace at run time
    assertThat(shared).allMatch(name -> name.startsWith("javax/annotation/"));
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
