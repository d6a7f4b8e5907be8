package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.input_file_block_start;
import static org.apache.spark.sql.functions.lit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.config.Provenance;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.source.RawTable;
import io.sluice.sequences.source.SourceFiles;
import io.sluice.sequences.source.TableSource;
import io.sluice.sequences.source.WriteFailures;
import io.sluice.sequences.text.TextSettings.Document;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** The main, the validation and the test source, opened. */
final class Sources {
  /**
   * @param source 0 main, 1 validation, 2 test
   * @param uri as Spark writes it
   * @param name below the source's root
   */
  record File(int source, String uri, String name) {}

  private final Reading reading;
  private final List<RawTable> tables = new ArrayList<>();
  private final List<String> roots = new ArrayList<>();
  private final List<File> files = new ArrayList<>();

  private Sources(Reading reading) {
    this.reading = reading;
  }

  /** Opens them; refuses what cannot be read, and columns that are not there or nested. */
  static Sources open(SparkSession spark, Reading reading) {
    var sources = new Sources(reading);
    for (int number = 0; number < 3; number++) {
      String path = reading.source().paths().get(number);
      sources.roots.add(path == null ? "" : SourceFiles.root(path));
      sources.tables.add(path == null ? null : open(spark, reading, number));
      if (path != null) {
        sources.addFiles(number);
      }
    }
    return sources;
  }

  private static RawTable open(SparkSession spark, Reading reading, int number) {
    var source = reading.source();
    var options = new TreeMap<>(source.options());
    if (source.format().equals("text") && source.document() == Document.FILE) {
      options.put("wholetext", "true");
    }
    RawTable table =
        RawTable.open(
            spark,
            new TableSource(
                reading.described(number),
                source.paths().get(number),
                source.format(),
                options,
                source.columnNames()));
    table.requirePlain(source.textColumn(), "source.columns.text");
    table.requirePlain(source.idColumn(), "source.columns.id");
    table.requirePlain(label(reading, table), "source.columns.label");
    return table;
  }

  /** The column of labels; null where there is none and none is needed. */
  private static String label(Reading reading, RawTable table) {
    String label = reading.source().labelColumn();
    return reading.needsLabels() || table.has(label) ? label : null;
  }

  /** Whether one of them has the column of labels. */
  boolean hasLabels() {
    return tables.stream().anyMatch(t -> t != null && t.has(reading.source().labelColumn()));
  }

  private void addFiles(int number) {
    for (String uri : tables.get(number).files()) {
      files.add(new File(number, uri, SourceFiles.below(roots.get(number), uri)));
    }
  }

  /** Of all sources; none of one that is not made of files. */
  List<File> files() {
    return files;
  }

  /**
   * SHA-256 of all that decides how a file becomes tokens, but for the file.
   *
   * @param preparation the settings of the source, without secrets
   */
  String hash(String codeVersion, JsonNode preparation) {
    ObjectNode json = ManifestJson.mapper().createObjectNode();
    json.put("code", codeVersion);
    json.set("source", preparation);
    json.put("tokenising", tokenising().toString());
    json.put("columns", Tokenising.SCHEMA.json());
    tables.forEach(table -> json.withArray("tables").add(table == null ? "" : table.schema()));
    return Provenance.sha256(ManifestJson.write(json));
  }

  /**
   * Writes the tokens of some of the {@link #files}, and of what is not made of files, to a folder.
   */
  void tokenise(List<File> some, String uri) {
    Dataset<Row> raw =
        IntStream.range(0, 3)
            .mapToObj(number -> rows(number, some))
            .filter(Objects::nonNull)
            .reduce(Dataset::union)
            .orElseThrow();
    write(raw.mapPartitions(tokenising(), Encoders.row(Tokenising.SCHEMA)), uri);
  }

  /** Writes tokenised rows to a folder. */
  void write(Dataset<Row> tokenised, String uri) {
    WriteFailures.guard(
        reading.describedTogether(),
        uri,
        () -> {
          tokenised.write().option("compression", "snappy").parquet(uri);
          return null;
        },
        this::brokenFile);
  }

  private String brokenFile() {
    return tables.stream()
        .filter(Objects::nonNull)
        .map(RawTable::brokenFile)
        .filter(Objects::nonNull)
        .findFirst()
        .orElse(null);
  }

  /** Rows of some files; null where none of them is of the source. */
  private Dataset<Row> rows(int number, List<File> some) {
    RawTable table = tables.get(number);
    List<String> own = some.stream().filter(f -> f.source() == number).map(File::uri).toList();
    if (table == null || (own.isEmpty() && table.files().length > 0)) {
      return null;
    }
    Dataset<Row> rows = own.size() == table.files().length ? table.rows() : table.rowsOf(own);
    var source = reading.source();
    return rows.select(
        lit(number).as("source"),
        table.file().as("uri"),
        input_file_block_start().as("block"),
        table.malformed().as("malformed"),
        text(table, source.textColumn()).cast("binary").as("text"),
        text(table, source.idColumn()).as("id"),
        text(table, label(reading, table)).as("label"));
  }

  private static Column text(RawTable table, String name) {
    return name == null ? lit(null).cast("string") : table.column(name).cast("string");
  }

  private Tokenising tokenising() {
    var source = reading.source();
    var names = new ArrayList<String>();
    names.add(source.textColumn());
    names.add(source.idColumn());
    names.add(source.labelColumn());
    return new Tokenising(
        reading.tokenisation(),
        reading.tokenizerJson(),
        !reading.isStream(),
        reading.needsLabels(),
        reading.invalidUtf8(),
        reading.readsBytes(),
        roots,
        names);
  }
}
