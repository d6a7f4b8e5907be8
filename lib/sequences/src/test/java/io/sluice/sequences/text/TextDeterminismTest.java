package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.sequences.SparkExtension;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One input and one set of settings give one dataset, to the byte. */
class TextDeterminismTest {
  @TempDir Path folder;

  private static List<String> rows() {
    var random = new Random(7);
    var rows = new ArrayList<String>();
    for (int i = 0; i < 600; i++) {
      var text = new StringBuilder();
      for (int n = random.nextInt(40); n >= 0; n--) {
        text.append("w").append((int) Math.abs(random.nextGaussian() * 40)).append(' ');
      }
      rows.add("d%d,%d,%s".formatted(i, random.nextInt(3), text));
    }
    return rows;
  }

  @Test
  void isAFunctionOfTheRowsAlone() {
    TextBuild build =
        TextBuild.in(folder)
            .with("source { format = csv, columns { id = id, label = label } }")
            .with("split { validation = 0.2, test = 0.2 }")
            .with("text { max-tokens = 20, vocabulary { min-count = 2, max-size = 60 } }");
    List<String> rows = rows();

    write(build, rows, 1);
    var first = snapshot(build.with("dataset.partitions = 1"));
    var again = snapshot(build);
    Collections.shuffle(rows, new Random(1));
    write(build, rows, 1);
    var reordered = snapshot(build.with("dataset.partitions = 3"));
    write(build, rows, 4);
    var spark = SparkExtension.session();
    spark.conf().set("spark.sql.shuffle.partitions", "5");
    TreeMap<String, String> inFourFiles;
    try {
      inFourFiles = snapshot(build.with("dataset.partitions = 0"));
    } finally {
      spark.conf().set("spark.sql.shuffle.partitions", "2");
    }

    assertThat(again).isEqualTo(first);
    assertThat(reordered).isEqualTo(first);
    // the fingerprint of the source says how many files there were
    first.remove("manifest.json");
    inFourFiles.remove("manifest.json");
    assertThat(inFourFiles).isEqualTo(first);
    assertThat(first).hasSize(4); // three splits and the vocabulary
  }

  private static TreeMap<String, String> snapshot(TextBuild build) {
    build.run();
    return build.files();
  }

  private void write(TextBuild build, List<String> rows, int files) {
    for (int f = 0; f < files; f++) {
      var text = new StringBuilder("id,label,text\n");
      for (int i = f; i < rows.size(); i += files) {
        text.append(rows.get(i)).append('\n');
      }
      build.bytes("raw/%d.csv".formatted(f), text.toString().getBytes());
    }
    build.source("path", folder.resolve("raw"));
  }
}
