package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;

import io.sluice.sequences.dataset.SequenceManifest.Audit;
import io.sluice.sequences.dataset.SequenceManifest.Check;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.dataset.TextManifest.Duplicates;
import io.sluice.sequences.text.dataset.TextManifest.Part;
import io.sluice.sequences.text.encoding.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Recomputes, by Spark's own readers and SQL, what a dataset of text claims of itself. */
final class TextAudit {
  /** The check that counts the words of the train split. */
  static final String VOCABULARY = "vocabulary";

  private TextAudit() {}

  /**
   * @param folder with the written parts
   * @param corpus that they were written of
   * @param vocabularyCheck what is known already of the vocabulary; null = train is counted once
   *     more
   */
  static Audit of(
      SparkSession spark,
      String folder,
      List<Part> parts,
      Corpus corpus,
      Vocabulary vocabulary,
      Check vocabularyCheck,
      Duplicates duplicates) {
    var checks = new ArrayList<Check>();
    stored(spark, folder, parts, vocabulary, checks);
    checks.add(vocabularyCheck == null ? vocabularyOfTrain(corpus, vocabulary) : vocabularyCheck);
    checks.add(duplicates(duplicates));
    return new Audit(checks.stream().allMatch(Check::passed), List.copyOf(checks));
  }

  /** Of a vocabulary that the settings name. */
  static Check givenVocabulary() {
    return new Check(VOCABULARY, true, "given, not counted from this dataset");
  }

  /** Counts of every part, and whether all ids are ids of the vocabulary. */
  private static void stored(
      SparkSession spark,
      String folder,
      List<Part> parts,
      Vocabulary vocabulary,
      List<Check> checks) {
    Map<String, Row> found =
        spark
            .read()
            .option("basePath", folder)
            .parquet(parts.stream().map(p -> folder + "/" + p.path()).toArray(String[]::new))
            .groupBy("split")
            .agg(
                expr("count(1)"),
                expr("sum(size(ids))"),
                expr("min(array_min(ids))"),
                expr("max(array_max(ids))"),
                expr(
                    vocabulary.padId() == null
                        ? "false"
                        : "max(array_contains(ids, %d))".formatted(vocabulary.padId())))
            .collectAsList()
            .stream()
            .collect(Collectors.toMap(row -> row.getString(0), row -> row));
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
      long claimedRows = own.stream().mapToLong(Part::rows).sum();
      long claimedTokens = own.stream().mapToLong(Part::tokens).sum();
      Row row = found.get(split.label());
      if (row.getLong(1) != claimedRows || row.getLong(2) != claimedTokens) {
        wrong.add(
            "%s has %d rows and %d tokens, recorded are %d and %d"
                .formatted(
                    split.label(), row.getLong(1), row.getLong(2), claimedRows, claimedTokens));
      }
      rows += row.getLong(1);
      tokens += row.getLong(2);
      least = Math.min(least, row.getInt(3));
      largest = Math.max(largest, row.getInt(4));
      hasPad |= row.getBoolean(5);
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
  private static Check vocabularyOfTrain(Corpus corpus, Vocabulary vocabulary) {
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
                        .where(
                            col("count")
                                .geq(leastCount(vocabulary))
                                .or(col("token").isin(special(vocabulary))))
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
        VOCABULARY,
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

  /**
   * Of the tokens that are words. Rarer ones are none of the vocabulary's, and need not come to the
   * driver.
   */
  static long leastCount(Vocabulary vocabulary) {
    List<Object> special = List.of(special(vocabulary));
    long least = Long.MAX_VALUE;
    for (int id = 0; id < vocabulary.size(); id++) {
      if (vocabulary.count(id) > 0 && !special.contains(vocabulary.token(id))) {
        least = Math.min(least, vocabulary.count(id));
      }
    }
    return least;
  }

  /** Tokens that are in the vocabulary however rare; a written pad is none. */
  private static Object[] special(Vocabulary vocabulary) {
    return Stream.of(vocabulary.special().unknown(), vocabulary.special().lineEnd())
        .filter(Objects::nonNull)
        .toArray();
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
