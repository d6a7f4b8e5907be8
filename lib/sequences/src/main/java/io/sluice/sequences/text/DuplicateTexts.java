package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.sum;

import io.sluice.failure.QualityGateException;
import io.sluice.sequences.dataset.Split;
import io.sluice.sequences.text.TextSettings.Duplicate;
import io.sluice.sequences.text.dataset.TextManifest.Duplicates;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Texts that stand more than once, found by two 64-bit halves of SHA-256. */
final class DuplicateTexts {
  private final Corpus corpus;
  private final Duplicates found;

  private DuplicateTexts(Corpus corpus, Duplicates found) {
    this.corpus = corpus;
    this.found = found;
  }

  /** Looks for them, and does what the settings say. */
  static DuplicateTexts of(Corpus corpus, Duplicate rule, boolean isStream, List<String> warnings) {
    List<Map<String, Long>> counts = counts(corpus);
    Map<String, Long> exact = counts.get(0);
    Map<String, Long> normalised = counts.get(1);
    List<String> across = new ArrayList<>();
    normalised.forEach(
        (where, n) -> {
          if (!where.startsWith("within") && n > 0) {
            across.add(
                "%d of %s (%d of them to the character)"
                    .formatted(n, where.replace("-in-", " in "), exact.getOrDefault(where, 0L)));
          }
        });
    var dropped = new TreeMap<String, Long>();
    Corpus left = corpus;
    if (!across.isEmpty()) {
      String what = "Documents stand in two splits: " + String.join(", ", across);
      // lines of a stream cannot be left out, and short ones say little
      String advice = isStream ? "" : "; text.duplicates = drop leaves them out";
      switch (rule) {
        case KEEP -> warnings.add(what + ". Results on them are too good%s.".formatted(advice));
        case FAIL ->
            throw new QualityGateException(
                what
                    + ", and text.duplicates = fail. Clean the source, or set text.duplicates = %s."
                        .formatted(isStream ? "keep" : "drop"));
        case DROP -> {
          Dataset<Row> groups = groups(corpus.documents(), "normal1", "normal2");
          left = drop(corpus, groups);
          Row leaving =
              corpus
                  .table()
                  .reading(
                      () ->
                          groups
                              .agg(
                                  sum(expr("if(n1 > 0 or n2 > 0, n0, 0)")),
                                  sum(expr("if(n2 > 0, n1, 0)")))
                              .head());
          dropped.put(Split.TRAIN.label(), leaving.getLong(0));
          dropped.put(Split.VALIDATION.label(), leaving.getLong(1));
        }
      }
    }
    return new DuplicateTexts(left, new Duplicates(exact, normalised, dropped));
  }

  private static Column expr(String sql) {
    return org.apache.spark.sql.functions.expr(sql);
  }

  /** A row a text: n0, n1, n2 documents of train, validation and test. */
  private static Dataset<Row> groups(Dataset<Row> documents, String first, String... others) {
    return documents
        .groupBy(first, others)
        .agg(
            sum(expr("if(split = 0, 1L, 0L)")).as("n0"),
            sum(expr("if(split = 1, 1L, 0L)")).as("n1"),
            sum(expr("if(split = 2, 1L, 0L)")).as("n2"));
  }

  /** Of equal texts, then of equal letters. */
  private static List<Map<String, Long>> counts(Corpus corpus) {
    var sql = new LinkedHashMap<String, String>();
    for (Split split : Split.values()) {
      sql.put("within-" + split.label(), "greatest(n%d - 1, 0)".formatted(split.ordinal()));
    }
    sql.put("validation-in-train", "if(n0 > 0, n1, 0)");
    sql.put("test-in-train", "if(n0 > 0, n2, 0)");
    sql.put("test-in-validation", "if(n1 > 0, n2, 0)");
    Column[] sums = sql.values().stream().map(each -> sum(expr(each))).toArray(Column[]::new);
    Dataset<Row> hashes =
        corpus
            .documents()
            .selectExpr(
                "split",
                "stack(2, 0, exact1, exact2, 1, normal1, normal2) as (equality, hash1, hash2)");
    List<Row> found =
        corpus
            .table()
            .reading(
                () ->
                    groups(hashes, "equality", "hash1", "hash2")
                        .groupBy("equality")
                        .agg(sums[0], Arrays.copyOfRange(sums, 1, sums.length))
                        .collectAsList());
    List<Map<String, Long>> counts = List.of(new TreeMap<>(), new TreeMap<>());
    counts.forEach(own -> sql.keySet().forEach(where -> own.put(where, 0L)));
    for (Row row : found) {
      int i = 1;
      for (String where : sql.keySet()) {
        counts.get(row.getInt(0)).put(where, row.getLong(i++));
      }
    }
    return counts;
  }

  /** Without documents of train that stand in validation or test, and of validation in test. */
  private static Corpus drop(Corpus corpus, Dataset<Row> groups) {
    Dataset<Row> across =
        groups
            .where("int(n0 > 0) + int(n1 > 0) + int(n2 > 0) > 1")
            .select(
                col("normal1").as("h1"),
                col("normal2").as("h2"),
                col("n1").gt(0).as("inValidation"),
                col("n2").gt(0).as("inTest"));
    Dataset<Row> documents =
        corpus
            .documents()
            .join(
                across,
                col("normal1").equalTo(col("h1")).and(col("normal2").equalTo(col("h2"))),
                "left")
            .where(
                "h1 is null or not ((split = 0 and (inValidation or inTest)) or (split = 1 and"
                    + " inTest))")
            .drop("h1", "h2", "inValidation", "inTest");
    return corpus.with(documents);
  }

  /** What is left to be written. */
  Corpus corpus() {
    return corpus;
  }

  Duplicates found() {
    return found;
  }
}
