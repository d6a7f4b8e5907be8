package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.RejectsTable;
import io.sluice.sequences.text.TextSettings.InvalidUtf8;
import io.sluice.sequences.text.TextSettings.Source;
import io.sluice.sequences.text.encoding.TextContract;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * New raw texts as tokens, by the same reading as a build: what scoring reads.
 *
 * <p>The source is read and tokenised once, into a table that the caller deletes; {@link
 * #documents} deals out what it holds. Labels are optional: a row without one is as good, and the
 * column need not be there.
 */
public final class RawDocuments {
  private final TokenTable table;
  private final Source source;
  private final boolean isOfStream;
  private final boolean hasLabels;

  private RawDocuments(TokenTable table, Source source, boolean isOfStream, boolean hasLabels) {
    this.table = table;
    this.source = source;
    this.isOfStream = isOfStream;
    this.hasLabels = hasLabels;
  }

  /**
   * What is read.
   *
   * @param described the setting and its value, for messages
   * @param source how the documents lie there
   * @param folder where the table of tokens is written
   */
  public record Request(String described, Source source, String folder) {}

  /**
   * A document as its tokens.
   *
   * @param name its id, or its file, and its line where a file has several
   * @param label its class as it is written; null if it has none
   * @param tokens all of them, at least one
   */
  public record RawDocument(String name, String label, List<String> tokens) {}

  /**
   * Reads and tokenises a source, and counts what it has.
   *
   * @param contract how text becomes tokens
   * @param tokenizerJson subword: text of the {@code tokenizer.json}; else null
   * @param preparation as the manifest or bundle recorded it
   * @throws InvalidInputException if the source cannot be read, lacks a column or has no row
   */
  public static RawDocuments read(
      SparkSession spark,
      TextContract contract,
      String tokenizerJson,
      JsonNode preparation,
      Request request) {
    Source source = request.source();
    var reading =
        new Reading(
            source,
            Arrays.asList(request.described(), null, null),
            contract.tokenisation(),
            tokenizerJson,
            false,
            false,
            invalidUtf8(preparation));
    TokenTable table = TokenTable.write(spark, reading, request.folder());
    table.requireDocuments();
    table.requireNames("Set source.columns.id.");
    return new RawDocuments(table, source, contract.layout() == Layout.STREAM, table.hasLabels());
  }

  private static InvalidUtf8 invalidUtf8(JsonNode preparation) {
    JsonNode recorded = preparation.path("text").path("invalidUtf8");
    InvalidUtf8 known = null;
    try {
      known = ManifestJson.mapper().treeToValue(recorded, InvalidUtf8.class);
    } catch (JsonProcessingException e) {
      // refused below
    }
    if (known == null) {
      throw new InvalidInputException(
          "The model's preparation records text.invalidUtf8 as %s, which this version does not know. Train again with this version."
              .formatted(recorded.isMissingNode() ? "nothing" : recorded));
    }
    return known;
  }

  /**
   * Writes the rejects table, and refuses input of which too much cannot be used. A document
   * without a token does not count for it where the contract is of a stream, which has empty lines.
   *
   * @param folder where the rejects table is published, also where the input is refused
   * @param maxShare {@code reject.max-share}
   */
  public void keepRejects(StagedFolder folder, double maxShare) {
    long n = table.rejected().values().stream().mapToLong(Long::longValue).sum();
    RejectsTable.write(table.described(), table.rejects(), n, folder);
    table.requireFewRejected(
        maxShare,
        isOfStream ? Set.of(TextReject.TEXT_EMPTY) : Set.of(),
        folder.targetUri(),
        "correct the data, or the settings of source");
  }

  /**
   * The usable documents, shortest first in each Spark partition, which differ little in size.
   *
   * @param partitions how many
   */
  public JavaRDD<RawDocument> documents(int partitions) {
    Dataset<Row> named =
        table.rows().where("reason is null").withColumn("key", Corpus.name(table, source));
    return Corpus.spread(named)
        .repartition(partitions, col("spread"))
        .sortWithinPartitions("count", "spread")
        .select("key", "label", "tokens", "count")
        .javaRDD()
        .map(RawDocuments::document);
  }

  private static RawDocument document(Row row) {
    var tokens = new ArrayList<String>(row.getInt(3));
    JoinedTokens.forEach(row.getString(2), tokens::add);
    String label = row.getString(1);
    return new RawDocument(
        row.getString(0), label == null || label.isEmpty() ? null : label, tokens);
  }

  /** Documents of the source, rejected ones included. */
  public long count() {
    return table.documents();
  }

  /** Documents that cannot be used, by reason. */
  public Map<String, Long> rejected() {
    return table.rejected();
  }

  /** Whether the source has the column of labels. */
  public boolean hasLabels() {
    return hasLabels;
  }

  /** What a person should know of bytes that are not UTF-8; empty where there are none. */
  public Optional<String> warningOfReplaced() {
    return table.warningOfReplaced();
  }
}
