package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.expr;

import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextColumns;
import io.sluice.sequences.text.dataset.TextManifest.Duplicates;
import io.sluice.sequences.text.dataset.TextManifest.Part;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Recomputes, by Spark's own readers and SQL, what a dataset of text claims of itself. */
final class TextAudit {
  private TextAudit() {}

  /**
   * @param folder with the written parts
   * @param corpus that they were written of
   * @param isCounted whether the vocabulary was counted by this build, and is no given one
   */
  static Audit of(
      SparkSession spark,
      String folder,
      List<Part> parts,
      Corpus corpus,
      Layout layout,
      Vocabulary vocabulary,
      boolean isCounted,
      Duplicates duplicates) {
    var checks = new ArrayList<Check>();
    stored(spark, folder, parts, layout, vocabulary, checks);
    checks.add(vocabularyOfTrain(corpus, vocabulary, isCounted));
    checks.add(duplicates(duplicates));
    return new Audit(checks.stream().allMatch(Check::passed), List.copyOf(checks));
  }

  /** Counts of every part, and whether all ids are ids of the vocabulary. */
  private static void stored(
      SparkSession spark,
      String folder,
      List<Part> parts,
      Layout layout,
      Vocabulary vocabulary,
      List<Check> checks) {
    String number = layout == Layout.DOCUMENTS ? TextColumns.ROW : TextColumns.BLOCK;
    var wrong = new ArrayList<String>();
    int least = Integer.MAX_VALUE;
    int largest = -1;
    long rows = 0;
    long tokens = 0;
    boolean hasPad = false;
    for (Split split : Split.values()) {
      List<Part> own = parts.stream().filter(p -> p.split().equals(split.label())).toList();
      if (own.isEmpty()) {
        continue;
      }
      Row found =
          spark
              .read()
              .parquet(own.stream().map(p -> folder + "/" + p.path()).toArray(String[]::new))
              .agg(
                  expr("count(1)"),
                  expr("sum(size(ids))"),
                  expr("min(array_min(ids))"),
                  expr("max(array_max(ids))"),
                  expr("max(%s)".formatted(number)),
                  expr(
                      vocabulary.padId() == null
                          ? "false"
                          : "max(array_contains(ids, %d))".formatted(vocabulary.padId())))
              .head();
      long claimedRows = own.stream().mapToLong(Part::rows).sum();
      long claimedTokens = own.stream().mapToLong(Part::tokens).sum();
      if (found.getLong(0) != claimedRows || found.getLong(1) != claimedTokens) {
        wrong.add(
            "%s has %d rows and %d tokens, recorded are %d and %d"
                .formatted(
                    split.label(), found.getLong(0), found.getLong(1), claimedRows, claimedTokens));
      }
      rows += found.getLong(0);
      tokens += found.getLong(1);
      least = Math.min(least, found.getInt(2));
      largest = Math.max(largest, found.getInt(3));
      hasPad |= found.getBoolean(5);
    }
    checks.add(
        new Check(
            "counts",
            wrong.isEmpty(),
            wrong.isEmpty()
                ? "%d rows and %d tokens, as recorded".formatted(rows, tokens)
                : String.join("; ", wrong)));
    boolean inRange = least >= 0 && largest < vocabulary.size() && !hasPad;
    checks.add(
        new Check(
            "ids",
            inRange,
            "ids from %d to %d of %d%s"
                .formatted(
                    least,
                    largest,
                    vocabulary.size(),
                    hasPad ? "; the pad id occurs in a text" : "")));
  }

  /** Counts the train split's tokens once more, in SQL. */
  private static Check vocabularyOfTrain(Corpus corpus, Vocabulary vocabulary, boolean isCounted) {
    if (!isCounted) {
      return new Check("vocabulary", true, "given, not counted from this dataset");
    }
    List<Row> recount =
        corpus
            .table()
            .reading(
                () ->
                    corpus
                        .of(Split.TRAIN)
                        .where("count > 0")
                        .selectExpr("explode(split(tokens, '\\u001f', -1)) as token")
                        .groupBy("token")
                        .count()
                        .where(expr("count >= " + leastCount(vocabulary)))
                        .collectAsList());
    int found = 0;
    var wrong = new ArrayList<String>();
    for (Row row : recount) {
      String token = row.getString(0);
      if (vocabulary.has(token)) {
        found++;
        long recorded = vocabulary.count(vocabulary.id(token));
        if (recorded != row.getLong(1)) {
          wrong.add("%s %d times, not %d".formatted(token, row.getLong(1), recorded));
        }
      }
    }
    long claimed = 0;
    for (int id = 0; id < vocabulary.size(); id++) {
      claimed += vocabulary.count(id) > 0 ? 1 : 0;
    }
    boolean passed = wrong.isEmpty() && found == claimed;
    return new Check(
        "vocabulary",
        passed,
        passed
            ? "%d tokens occur in train as often as recorded".formatted(found)
            : "%d of %d tokens occur in train; %d of them as often as recorded (first: %s)"
                .formatted(
                    found,
                    claimed,
                    found - wrong.size(),
                    wrong.isEmpty() ? "none differs" : wrong.get(0)));
  }

  /** Rarer tokens are none of the vocabulary's, and need not come to the driver. */
  private static long leastCount(Vocabulary vocabulary) {
    long least = Long.MAX_VALUE;
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.count(id) > 0) {
        least = Math.min(least, vocabulary.count(id));
      }
    }
    return least == Long.MAX_VALUE ? 1 : least;
  }

  /** For the reader: it fails nothing, text.duplicates does. */
  private static Check duplicates(Duplicates duplicates) {
    Map<String, Long> n = duplicates.normalised();
    boolean dropped = duplicates.dropped().values().stream().anyMatch(d -> d > 0);
    return new Check(
        "duplicates across splits",
        true,
        "%d validation documents stand in train, %d test documents in train, %d in validation%s"
            .formatted(
                n.get("validation-in-train"),
                n.get("test-in-train"),
                n.get("test-in-validation"),
                dropped ? "; left out there" : ""));
  }
}
