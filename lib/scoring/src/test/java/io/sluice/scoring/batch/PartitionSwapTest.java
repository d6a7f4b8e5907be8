package io.sluice.scoring.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartitionSwapTest {
  private static final Map<String, String> WANTED =
      Map.of(
          "date=1/new-a", "11",
          "date=1/new-b", "12",
          "date=3/new-a", "31",
          "date=4/new-a", "41",
          "date=9/old", "untouched");

  @TempDir Path root;
  private TableLayout layout;
  private FileSystem fs;
  private PublishJournal journal;

  /** Dates 1, 2, 3 and 9 are there; the run replaces 1 and 3, empties 2, adds 4. */
  @BeforeEach
  void stage() throws IOException {
    fs = new org.apache.hadoop.fs.Path(root.toUri()).getFileSystem(new Configuration());
    layout = new TableLayout(new org.apache.hadoop.fs.Path(root.toUri()));
    journal =
        new PublishJournal(
            PublishJournal.FORMAT,
            "run",
            "m",
            "2024-01-01T00:00:00Z",
            List.of(
                partition("date=1", "new-a", "new-b"),
                partition("date=2"),
                partition("date=3", "new-a"),
                partition("date=4", "new-a")));
    reset();
  }

  @Test
  void coveredPartitionsHoldTheStagedFilesAndOthersStay() throws IOException {
    swap(Integer.MAX_VALUE);

    assertThat(rows()).isEqualTo(WANTED);
    assertThat(root.resolve("_staging/m/run")).doesNotExist();
    assertThat(root.resolve("_replaced/m/run")).doesNotExist();
    assertThat(root.resolve("_journal/m/run.json")).doesNotExist();
  }

  @Test
  void aSwapThatStopsAnywhereTwiceIsFinishedByDoingItAgain() throws IOException {
    int steps = stepsOfAWholeSwap();
    assertThat(steps).isGreaterThan(8);
    for (int first = 0; first < steps; first++) {
      for (int second = 0; second < steps; second++) {
        reset();

        stopAt(first);
        stopAt(second);
        swap(Integer.MAX_VALUE);

        assertThat(rows()).as("stopped at %d, then at %d", first, second).isEqualTo(WANTED);
      }
    }
  }

  @Test
  void aDirectoryThatAnObjectStoreMovedHalfAsideIsFinished() throws IOException {
    write("model=m/date=1/old-2", "second file of the old rows");
    Files.createDirectories(root.resolve("_replaced/m/run/date=1"));
    Files.move(root.resolve("model=m/date=1/old"), root.resolve("_replaced/m/run/date=1/old"));

    swap(Integer.MAX_VALUE);

    assertThat(rows()).isEqualTo(WANTED);
  }

  @Test
  void aDirectoryThatAnObjectStoreMovedHalfInIsFinished() throws IOException {
    Files.createDirectories(root.resolve("_replaced/m/run"));
    Files.move(root.resolve("model=m/date=1"), root.resolve("_replaced/m/run/date=1"));
    Files.createDirectories(root.resolve("model=m/date=1"));
    Files.move(root.resolve("_staging/m/run/date=1/new-b"), root.resolve("model=m/date=1/new-b"));

    swap(Integer.MAX_VALUE);

    assertThat(rows()).isEqualTo(WANTED);
  }

  @Test
  void aCopyThatWasCutShortIsReplaced() throws IOException {
    Files.createDirectories(root.resolve("_replaced/m/run"));
    Files.move(root.resolve("model=m/date=1"), root.resolve("_replaced/m/run/date=1"));
    write("model=m/date=1/new-a", "1"); // the store copied one byte of two before it stopped

    swap(Integer.MAX_VALUE);

    assertThat(rows()).isEqualTo(WANTED);
  }

  private int stepsOfAWholeSwap() throws IOException {
    var steps = new int[1];
    new PartitionSwap(fs, layout, (step, partition) -> steps[0]++).carryOut(journal);
    return steps[0];
  }

  /** Stops like a crash would, at the n-th step; a swap that has fewer steps left is done. */
  private void stopAt(int n) throws IOException {
    try {
      swap(n);
    } catch (Stopped expected) {
      assertThat(expected.step).isEqualTo(n);
    }
  }

  private void swap(int stopAt) throws IOException {
    var reached = new int[1];
    new PartitionSwap(
            fs,
            layout,
            (step, partition) -> {
              if (reached[0]++ == stopAt) {
                throw new Stopped(stopAt);
              }
            })
        .carryOut(journal);
  }

  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1L;
    final int step;

    Stopped(int step) {
      this.step = step;
    }
  }

  @Test
  void aRefusedRenameIsNotTakenForSuccess() throws IOException {
    fs.delete(layout.staging("m", "run"), true);

    assertThatThrownBy(() -> swap(Integer.MAX_VALUE))
        .hasMessageContaining("must hold {new-a=2, new-b=2}, but holds {}");
  }

  private void reset() throws IOException {
    fs.delete(layout.model("m"), true);
    fs.delete(layout.replacements("m"), true);
    fs.delete(layout.stagings("m"), true);
    for (String date : List.of("1", "2", "3")) {
      write("model=m/date=" + date + "/old", "old rows of " + date);
    }
    write("model=m/date=9/old", "untouched");
    write("_staging/m/run/date=1/new-a", "11");
    write("_staging/m/run/date=1/new-b", "12");
    write("_staging/m/run/date=3/new-a", "31");
    write("_staging/m/run/date=4/new-a", "41");
    write("_staging/m/run/_SUCCESS", "");
    write("_journal/m/run.json", journal.toJson());
  }

  private static PublishJournal.Partition partition(String name, String... files) {
    return new PublishJournal.Partition(
        name,
        java.util.Arrays.stream(files).map(f -> new PublishJournal.StagedFile(f, 2)).toList());
  }

  private void write(String path, String text) throws IOException {
    Files.createDirectories(root.resolve(path).getParent());
    Files.writeString(root.resolve(path), text);
  }

  /** Content of the model's files by path below the model. */
  private Map<String, String> rows() {
    Path model = root.resolve("model=m");
    try (var paths = Files.walk(model)) {
      var rows = new TreeMap<String, String>();
      for (Path path : paths.filter(Files::isRegularFile).toList()) {
        rows.put(model.relativize(path).toString(), Files.readString(path));
      }
      return rows;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
