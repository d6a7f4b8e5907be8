package io.sluice.sequences.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.config.Provenance;
import io.sluice.config.Settings;
import io.sluice.sequences.SparkExtension;
import io.sluice.sequences.dataset.Dealing;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.DocumentBatches;
import io.sluice.sequences.text.dataset.TextBatch;
import io.sluice.sequences.text.dataset.TextDataset;
import io.sluice.sequences.text.dataset.Truncation;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The ready examples in conf/, over the corpora as they are; counts are published ones. */
class RealTextTest {
  @TempDir Path folder;

  private static Path data(String below) {
    String root = System.getenv().getOrDefault("SLUICE_ROOT", "../..");
    String data =
        System.getenv().getOrDefault("SLUICE_DATA", Path.of(root, "../shared/data").toString());
    Path path = Path.of(data, below);
    assumeTrue(Files.exists(path), () -> path + " is not there: set SLUICE_DATA to run this test");
    return path.toAbsolutePath().normalize();
  }

  private TextReport build(String conf, String... overrides) {
    Path file = Path.of(System.getenv().getOrDefault("SLUICE_ROOT", "../.."), "conf", conf);
    var all = new java.util.ArrayList<>(List.of(overrides));
    all.add("lake.root=\"%s\"".formatted(folder));
    return TextBuilder.build(
        SparkExtension.session(),
        Settings.load(file, all).read(TextSettings::from),
        new Provenance("run", "test", "hash", Instant.parse("2024-06-01T00:00:00Z")));
  }

  private static TextDataset open(TextReport report) {
    return TextDataset.open(report.dataset(), new Configuration()).requireAudit();
  }

  /** 10,000 words and 929,589 / 73,760 / 82,430 tokens, a line end each included. */
  @Test
  void pennTreebankHasItsPublishedCounts() {
    Path ptb = data("ptb");

    TextReport report =
        build(
            "ptb.conf",
            "source.path=\"%s/ptb.train.txt\"".formatted(ptb),
            "source.validation-path=\"%s/ptb.valid.txt\"".formatted(ptb),
            "source.test-path=\"%s/ptb.test.txt\"".formatted(ptb));

    TextDataset dataset = open(report);
    assertThat(report.vocabularySize()).isEqualTo(10_000);
    assertThat(dataset.tokens(Split.TRAIN)).isEqualTo(929_589);
    assertThat(dataset.tokens(Split.VALIDATION)).isEqualTo(73_760);
    assertThat(dataset.tokens(Split.TEST)).isEqualTo(82_430);
    assertThat(report.splits().get("test").documents()).isEqualTo(3_761);
    Vocabulary vocabulary = dataset.vocabulary();
    assertThat(vocabulary.count(vocabulary.lineEndId())).isEqualTo(42_068);
    // the first line, read back
    var batch = dataset.streams(Split.TRAIN, 1, Truncation.every(24), 0, 1).epoch(0, 0).next();
    assertThat(vocabulary.token(batch.ids()[0])).isEqualTo("aer");
    assertThat(vocabulary.token(batch.nextIds()[23])).isEqualTo("<eos>");
    // 20 streams of 46,479 tokens, 20 steps: the published small model makes 2,323 whole steps
    assertThat(dataset.streams(Split.TRAIN, 20, Truncation.every(20), 0, 1).steps())
        .isEqualTo(2_324);
  }

  /** 25,000 reviews, half of them positive; batches of nearly one length. */
  @Test
  void imdbHasItsReviewsAndLittlePadding() {
    Path imdb = data("imdb");

    TextReport report =
        build(
            "imdb.conf",
            "source.path=\"%s/imdb_train.csv.gz\"".formatted(imdb),
            "source.test-path=null",
            "split.test=0");

    TextDataset dataset = open(report);
    assertThat(dataset.documents(Split.TRAIN) + dataset.documents(Split.VALIDATION))
        .isEqualTo(25_000);
    assertThat(dataset.documents(Split.VALIDATION)).isBetween(1_150L, 1_350L);
    for (String label : new String[] {"0", "1"}) {
      assertThat(labels(report, "train", label) + labels(report, "validation", label))
          .isEqualTo(12_500);
    }
    assertThat(report.rejectedDocuments()).isEmpty();
    assertThat(report.vocabularySize()).isEqualTo(30_000);
    assertThat(report.splits().get("validation").unknownShare()).isBetween(0.005, 0.05);
    assertThat(report.duplicates().exact().get("validation-in-train")).isPositive();
    requireStreamedAsInMemory(dataset);
    for (int batchSize : new int[] {32, 64, 128}) {
      var dealing = new Dealing(batchSize, 32, 1);
      DocumentBatches batches = dataset.documents(Split.TRAIN, dealing, 0, 1).epoch(0, 0);
      long computed = 0;
      long tokens = 0;
      while (batches.hasNext()) {
        TextBatch batch = batches.next();
        computed += (long) batch.timeSteps() * batch.size();
        for (int b = 0; b < batch.size(); b++) {
          tokens += batch.length(b);
        }
      }
      assertThat(tokens).isEqualTo(dataset.tokens(Split.TRAIN));
      double padding = 1 - (double) tokens / computed;
      assertThat(padding).as("batches of %d", batchSize).isLessThan(0.1);
    }
  }

  private static long labels(TextReport report, String split, String label) {
    return report.splits().get(split).labels().get(label);
  }

  /** Pools of many pages, read by themselves. */
  private static void requireStreamedAsInMemory(TextDataset dataset) {
    var dealing = new Dealing(64, 32, 2);
    DocumentBatches kept =
        dataset.documents(Split.TRAIN, dealing, 1, 2, Long.MAX_VALUE).epoch(3, 0);
    DocumentBatches streamed = dataset.documents(Split.TRAIN, dealing, 1, 2, 0).epoch(3, 0);
    for (int step = 0; step < 100; step++) {
      TextBatch expected = kept.next();
      TextBatch batch = streamed.next();
      int cells = expected.timeSteps() * expected.size();
      assertThat(java.util.Arrays.copyOf(batch.ids(), cells))
          .isEqualTo(java.util.Arrays.copyOf(expected.ids(), cells));
    }
  }
}
