package io.sluice.sequences.telemetry;

import static io.sluice.failure.ExitStatus.BAD_INPUT;
import static io.sluice.failure.ExitStatus.BAD_SETTINGS;
import static io.sluice.failure.ExitStatus.FAILED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.sluice.config.Provenance;
import io.sluice.failure.ExitStatus;
import io.sluice.failure.UserFailure;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.SequenceDataset;
import io.sluice.sequences.lake.PublishLock;
import io.sluice.sequences.lake.TroubledFileSystem;
import io.sluice.sequences.lake.TroubledFileSystem.Trouble;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.apache.commons.io.FileUtils;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Disks that are full, folders that may not be written, and two runs at one place. */
class TroubledWriteTest {
  @TempDir static Path published;
  @TempDir Path folder;
  private Map<String, String> before;

  @BeforeAll
  static void publishADataset() {
    Build.in(published).csv(Build.hourly(0, 100)).run();
  }

  @BeforeEach
  void takeACopyOfIt() throws IOException {
    FileUtils.copyDirectory(published.toFile(), folder.toFile());
    before = contents();
  }

  /** The disk is full when the first file is written whose name has this in it. */
  @ParameterizedTest
  @CsvSource({
    "DISK_IS_FULL, .rejects.staging-run/, dataset.rejects",
    "DISK_IS_FULL, .staging-run/_attempts/, dataset.staging-run",
    "DISK_IS_FULL, .manifest.json.tmp-, dataset.staging-run/manifest.json",
    "DISK_IS_FULL, .staging-run/_windows/, dataset.staging-run",
    "DEV_FULL, .staging-run/_attempts/, dataset.staging-run",
    "NO_DATA_NODE_HAS_ROOM, .staging-run/_attempts/, dataset.staging-run",
  })
  void aFullDiskIsOneMessageAndTheOldDatasetStays(Trouble trouble, String files, String named) {
    String layout = files.contains("_windows") ? "windows" : "segments";

    Throwable failure =
        catchThrowable(
            () -> rerun(trouble, files, Build.in(folder).with("dataset.layout = " + layout)));

    assertIs(failure, FAILED);
    assertThat(failure.getMessage().replace(folder.toString(), "FOLDER"))
        .matches(
            "Cannot write troubled:FOLDER/"
                + named
                + ": no space left \\((No space left on device|File \\S+ could only be written to 0 of the 1 minReplication nodes)\\)\\. Free space there or choose another path\\.");
    assertThat(contents()).isEqualTo(before);
    assertThat(Build.in(folder).rejects()).hasSize(named.contains("rejects") ? 0 : 1);
  }

  @ParameterizedTest
  @CsvSource({
    ".rejects.staging-run/, dataset.rejects",
    ".staging-run/_attempts/, dataset.staging-run",
  })
  void aLostPermissionIsOneMessageAndTheOldDatasetStays(String files, String named) {
    Throwable failure =
        catchThrowable(() -> rerun(Trouble.WRITES_ARE_FORBIDDEN, files, Build.in(folder)));

    assertIs(failure, FAILED);
    assertThat(failure.getMessage().replace(folder.toString(), "FOLDER"))
        .isEqualTo(
            "Cannot write troubled:FOLDER/%s: no permission (Permission denied: user=plant, access=WRITE). Grant user %s write access or choose another path."
                .formatted(named, System.getProperty("user.name")));
    assertThat(contents()).isEqualTo(before);
  }

  @Test
  void aDatasetBelowAFileCannotBeWritten() {
    Throwable failure =
        catchThrowable(
            Build.in(folder)
                    .csv(Build.hourly(0, 200))
                    .with("dataset.path = \"%s/source.csv/dataset\"".formatted(folder))
                ::run);

    assertIs(failure, FAILED);
    assertThat(failure.getMessage().replace(folder.toString(), "FOLDER"))
        .startsWith("Cannot write FOLDER/source.csv/dataset.lock: ")
        .endsWith("Check the path and the storage behind it.");
  }

  @Test
  void aSourceThatMayNotBeReadIsNamed() {
    Build build =
        Build.in(folder).with("source.path = \"troubled:%s/source.csv\"".formatted(folder));

    Throwable failure = catchThrowable(() -> run(session(Trouble.READS_ARE_FORBIDDEN, ""), build));

    assertIs(failure, BAD_INPUT);
    assertThat(failure.getMessage().replace(folder.toString(), "FOLDER"))
        .isEqualTo(
            "source.path troubled:FOLDER/source.csv: cannot be read (FOLDER/source.csv (Permission denied)). Check the path and its permissions.");
    assertThat(contents()).isEqualTo(before);
  }

  @Test
  void aSecondRunIsRefusedBeforeItReadsTheSource() {
    Throwable failure;
    try (var first =
        PublishLock.acquire(
            folder.resolve("dataset").toString(),
            "first",
            Duration.ofMinutes(10),
            new Configuration())) {
      first.requireHeld();
      failure = catchThrowable(Build.in(folder).source(folder.resolve("not-looked-at"))::run);
    }

    assertIs(failure, FAILED);
    assertThat(failure.getMessage().replace(folder.toString(), "FOLDER"))
        .matches(
            "Cannot publish to FOLDER/dataset: run first on host \\S+ \\(process \\d+, since \\S+\\) is publishing there\\. Wait for it to end; if it is dead, its lock FOLDER/dataset\\.lock is taken over 600 s after its last sign of life\\.");
    assertThat(contents()).isEqualTo(before);
  }

  /** Whoever comes second is refused, or is late enough to publish after the first. */
  @Test
  void ofTwoRunsAtOnceEachPublishesWholeOrIsRefused() throws Exception {
    Callable<Throwable> hundred =
        () -> catchThrowable(Build.in(folder).source(folder.resolve("source.csv"))::run);
    Callable<Throwable> twoHundred =
        () ->
            catchThrowable(
                Build.in(folder).source(Build.in(folder).write("b.csv", Build.hourly(0, 200)))
                    ::run);
    var pool = Executors.newFixedThreadPool(2);
    List<Throwable> failures;
    try {
      var done = pool.invokeAll(List.of(hundred, twoHundred));
      failures = Stream.of(done.get(0).get(), done.get(1).get()).filter(f -> f != null).toList();
    } finally {
      pool.shutdown();
    }

    assertThat(failures).hasSizeLessThan(2);
    assertThat(failures)
        .allSatisfy(
            failure ->
                assertThat(failure)
                    .hasMessageContaining("Cannot publish to")
                    .hasMessageContaining("is publishing there"));
    assertThat(Refusals.leftBeside(folder)).containsExactly("dataset");
    SequenceDataset dataset = Build.in(folder).open().requireAudit();
    assertThat(dataset.manifest().source().rows()).isIn(100L, 200L);
    for (var part : dataset.manifest().parts()) {
      long windows = 0;
      var segments = dataset.segments(part);
      while (segments.hasNext()) {
        windows += segments.next().windows();
      }
      assertThat(windows).isEqualTo(part.windows());
    }
  }

  @Test
  void aFolderOfOtherThingsIsNotReplaced() throws IOException {
    Files.createDirectories(folder.resolve("home/letters"));
    Files.writeString(folder.resolve("home/notes.txt"), "dear diary");

    Throwable asDataset =
        catchThrowable(
            Build.in(folder)
                    .csv(Build.hourly(0, 100))
                    .with("dataset.path = \"%s/home\"".formatted(folder))
                ::run);
    Throwable asRejects =
        catchThrowable(
            Build.in(folder)
                    .csv(Build.hourly(0, 100))
                    .with("reject.path = \"%s/home\"".formatted(folder))
                ::run);

    assertIs(asDataset, BAD_INPUT);
    assertThat(asDataset)
        .hasMessage(
            "dataset.path %s/home is not a sequence dataset (has: [letters, notes.txt]), and this job replaces the folder as a whole. Give it a folder of its own.",
            folder);
    assertIs(asRejects, BAD_INPUT);
    assertThat(asRejects)
        .hasMessage(
            "reject.path %s/home is not a rejects table (has: [letters, notes.txt]), and this job replaces the folder as a whole. Give it a folder of its own.",
            folder);
    assertThat(folder.resolve("home/notes.txt")).hasContent("dear diary");
  }

  @Test
  void theSourceMayNotLieInWhatIsReplaced() {
    Throwable failure =
        catchThrowable(
            Build.in(folder)
                    .csv(Build.hourly(0, 100))
                    .with("dataset.path = \"%s\"".formatted(folder))
                ::run);

    assertIs(failure, BAD_SETTINGS);
    assertThat(failure)
        .hasMessageContaining("dataset.path (")
        .hasMessageEndingWith(
            "): is replaced as a whole, so %s/source.csv must not lie in it; give it a folder of its own"
                .formatted(folder));
  }

  private void rerun(Trouble trouble, String files, Build build) {
    Path bad = build.write("source.csv", Build.append(Build.hourly(0, 100), "x,1"));
    run(
        session(trouble, files),
        build.source(bad).with("dataset.path = \"troubled:%s/dataset\"".formatted(folder)));
  }

  private static void run(SparkSession session, Build build) {
    SequenceBuilder.build(
        session, build.settings(), new Provenance("run", "test", "hash", Build.NOW));
  }

  private static SparkSession session(Trouble trouble, String files) {
    SparkSession session = SparkExtension.session().newSession();
    for (var entry : TroubledFileSystem.with(trouble, files)) {
      if (entry.getKey().contains("troubled")) {
        session.conf().set(entry.getKey(), entry.getValue());
      }
    }
    return session;
  }

  private static void assertIs(Throwable failure, ExitStatus status) {
    assertThat(failure).isInstanceOf(UserFailure.class);
    assertThat(((UserFailure) failure).exitStatus()).isEqualTo(status);
  }

  /**
   * Every file but the source and the rejects, by path: what a failed run must leave as it was. The
   * rejects are those of the failed run, to be looked at.
   */
  private Map<String, String> contents() {
    var contents = new TreeMap<String, String>();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.toList()) {
        String name = folder.relativize(file).toString();
        boolean isFile = Files.isRegularFile(file);
        if (!name.equals("source.csv")
            && !name.isEmpty()
            && !name.matches("dataset[.]rejects(/.*)?")) {
          contents.put(
              name, isFile ? java.util.Arrays.hashCode(Files.readAllBytes(file)) + "" : "folder");
        }
      }
      return contents;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
