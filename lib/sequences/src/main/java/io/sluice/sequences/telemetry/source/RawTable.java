package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.telemetry.SourceSettings;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A source opened: its columns by the names people use, and its rows.
 *
 * <p>CSV is read as text: Spark would guess types, and with them time zones, from the data. Columns
 * carry internal names, so that a dot or a blank in a name needs no quoting anywhere.
 */
public final class RawTable {
  private static final Logger LOG = LoggerFactory.getLogger(RawTable.class);
  private static final String CORRUPT = "_sluice_malformed";
  private static final String FILE = "_sluice_file";
  private static final List<String> FORMATS =
      List.of("parquet", "csv", "json", "avro", "orc", "text", "delta", "iceberg");

  private final String described;
  private final Dataset<Row> named;
  private final Column[] internal;
  private final Dataset<Row> rows;
  private final List<String> names;
  private final Map<String, Integer> index = new HashMap<>();
  private final List<DataType> types;
  private final boolean text;
  private final boolean marksMalformed;
  private final String[] files;
  private final Supplier<String> brokenFile;

  private RawTable(
      String described,
      Dataset<Row> named,
      boolean text,
      String[] files,
      Supplier<String> brokenFile) {
    this.described = described;
    this.named = named;
    this.text = text;
    this.files = files;
    this.brokenFile = brokenFile;
    List<String> all = Arrays.asList(named.columns());
    this.names = all.stream().filter(n -> !isCorruptMark(n)).toList();
    this.marksMalformed = names.size() < all.size();
    var columns = new ArrayList<Column>();
    for (String name : all) {
      Column column = col("`" + name.replace("`", "``") + "`");
      columns.add(column.as(isCorruptMark(name) ? CORRUPT : internal(names.indexOf(name))));
    }
    columns.add(input_file_name().as(FILE));
    this.internal = columns.toArray(Column[]::new);
    this.types = names.stream().map(n -> named.schema().apply(n).dataType()).toList();
    for (int i = 0; i < names.size(); i++) {
      index.put(names.get(i), i);
    }
    this.rows = named.select(internal);
  }

  /** Opens a source, or says which path, file or column is wrong. */
  public static RawTable open(SparkSession spark, SourceSettings source) {
    return open(
        spark,
        source.described(),
        source.path(),
        source.format(),
        source.options(),
        source.columnNames());
  }

  /**
   * Opens any table.
   *
   * @param described the setting and its value, for messages
   * @param columnNames names for files without a header; empty = the files name their columns
   */
  public static RawTable open(
      SparkSession spark,
      String described,
      String path,
      String format,
      Map<String, String> options,
      List<String> columnNames) {
    Configuration hadoop = spark.sessionState().newHadoopConf();
    SourceFiles.require(described, path, hadoop);
    Supplier<String> brokenFile = () -> brokenFile(spark, path, format, options);
    return ReadFailures.guard(
        described,
        () -> {
          boolean csv = format.equals("csv");
          Dataset<Row> table;
          try {
            table =
                csv
                    ? readCsv(spark, described, path, options, columnNames)
                    : readTyped(spark, described, path, format, options);
          } catch (Exception e) {
            // AnalysisException is checked, and thrown from Scala without saying so
            throw e instanceof SparkThrowable said
                ? refusal(described, format, e, said.getErrorClass())
                : e;
          }
          if (!csv && !columnNames.isEmpty()) {
            requireCount(described, columnNames, table.columns().length);
            table = table.toDF(columnNames.toArray(String[]::new));
          }
          return new RawTable(described, table, csv, table.inputFiles(), brokenFile);
        },
        brokenFile);
  }

  private static Exception refusal(
      String described, String format, Exception failure, String errorClass) {
    if ("DATA_SOURCE_NOT_FOUND".equals(errorClass)) {
      return new InvalidConfigException(
          "for " + described,
          List.of(
              "format \"%s\" is no data source on the class path; %s Another one needs its jar: spark-submit --packages."
                  .formatted(format, NearMiss.suggestion(format, FORMATS))));
    }
    return failure instanceof AnalysisException
        ? new InvalidInputException(
            "Cannot read %s as %s: %s. Check source.format and the files."
                .formatted(described, format, ReadFailures.oneLine(failure.getMessage())),
            failure)
        : failure;
  }

  private static String brokenFile(
      SparkSession spark, String path, String format, Map<String, String> options) {
    try {
      List<String> files = SourceFiles.of(path, spark.sessionState().newHadoopConf());
      return SourceFiles.firstBroken(
          files, some -> canBeRead(spark, some.toArray(String[]::new), format, options));
    } catch (IOException | RuntimeException e) {
      LOG.debug("The broken file of {} could not be looked for", path, e);
      return null; // the failure itself is reported by the caller
    }
  }

  private static boolean canBeRead(
      SparkSession spark, String[] files, String format, Map<String, String> options) {
    boolean isLines = format.equals("csv") || format.equals("json") || format.equals("text");
    try {
      DataFrameReader reader = spark.read().format(isLines ? "text" : format);
      (isLines ? reader : reader.options(readerOptions(format, options)))
          .load(files)
          .write()
          .format("noop")
          .mode(SaveMode.Overwrite)
          .save();
      return true;
    } catch (Exception e) {
      return false; // which file it is: the question that was asked
    }
  }

  // JSON brings a column of Spark's own where a line is not JSON
  private static boolean isCorruptMark(String name) {
    return name.equals(CORRUPT) || name.equals("_corrupt_record");
  }

  private static Dataset<Row> readTyped(
      SparkSession spark, String described, String path, String format, Map<String, String> options)
      throws Exception {
    boolean merges = format.equals("parquet") || format.equals("orc");
    Dataset<Row> table;
    try {
      table = spark.read().format(format).options(readerOptions(format, options)).load(path);
    } catch (Exception e) {
      if (merges) {
        MixedSchemas.refuse(spark, described, path, format, options);
      }
      throw e;
    }
    if (Arrays.stream(table.columns()).allMatch(RawTable::isCorruptMark)) {
      throw new InvalidInputException(
          "Cannot read %s as %s: not one of its rows is %s. Check source.format and the files."
              .formatted(described, format, format));
    }
    return table;
  }

  private static Map<String, String> readerOptions(String format, Map<String, String> options) {
    var all = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    switch (format) {
      case "parquet" -> {
        all.put("mergeSchema", "true");
        // Spark asks what calendar a file of another writer is in; only Spark 2's was not today's
        all.put("datetimeRebaseMode", "CORRECTED");
        all.put("int96RebaseMode", "CORRECTED");
        all.put("parquet.page.verify-checksum.enabled", "true");
      }
      case "orc" -> all.put("mergeSchema", "true");
      case "avro" -> all.put("datetimeRebaseMode", "CORRECTED");
      default -> {}
    }
    all.putAll(options);
    return all;
  }

  private static Dataset<Row> readCsv(
      SparkSession spark,
      String described,
      String path,
      Map<String, String> options,
      List<String> columnNames) {
    boolean header = columnNames.isEmpty();
    var all = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    all.put("header", String.valueOf(header));
    all.put("ignoreLeadingWhiteSpace", "true");
    all.put("ignoreTrailingWhiteSpace", "true");
    all.putAll(options);
    all.put("inferSchema", "false");
    String[] found = spark.read().options(all).csv(path).columns();
    requirePrintable(described, found);
    var schemaNames = new ArrayList<>(Arrays.asList(found));
    if (!header) {
      nameColumns(spark, described, path, all, columnNames, schemaNames);
    }
    var schema = new StructType();
    for (String name : schemaNames) {
      schema = schema.add(name, DataTypes.StringType);
    }
    schema = schema.add(CORRUPT, DataTypes.StringType);
    return spark
        .read()
        .options(all)
        .option("enforceSchema", String.valueOf(!header))
        .option("mode", "PERMISSIVE")
        .option("columnPruning", "false")
        .option("columnNameOfCorruptRecord", CORRUPT)
        .schema(schema)
        .csv(path);
  }

  private static void requirePrintable(String described, String[] names) {
    for (String name : names) {
      if (name.chars().anyMatch(c -> c == 0xFFFD || Character.getType(c) == Character.CONTROL)) {
        throw new InvalidInputException(
            "Cannot read %s as csv: its first line is not text in UTF-8. Check source.format, and source.options.encoding for another character set."
                .formatted(described));
      }
    }
  }

  /** Blanks at a line's end look like columns of their own: they are not, if the first is blank. */
  private static void nameColumns(
      SparkSession spark,
      String described,
      String path,
      Map<String, String> options,
      List<String> columnNames,
      List<String> schemaNames) {
    int given = columnNames.size();
    if (schemaNames.size() < given) {
      requireCount(described, columnNames, schemaNames.size());
    }
    Row first = spark.read().options(options).csv(path).head();
    for (int i = 0; i < schemaNames.size(); i++) {
      if (i < given) {
        schemaNames.set(i, columnNames.get(i));
      } else if (first.isNullAt(i) || first.getString(i).isBlank()) {
        schemaNames.set(i, blankName(i));
      }
    }
  }

  private static String blankName(int i) {
    return "_sluice_blank_" + i;
  }

  private static void requireCount(String described, List<String> columnNames, int found) {
    if (columnNames.size() != found) {
      throw new InvalidInputException(
          "%s has %d columns, but source.column-names has %d names. Give one name a column, in order."
              .formatted(described, found, columnNames.size()));
    }
  }

  /** The setting and its value, for messages. */
  public String described() {
    return described;
  }

  /** Names of the columns in the table's order. */
  public List<String> names() {
    return names.stream().filter(n -> !n.startsWith("_sluice_blank_")).toList();
  }

  public boolean has(String name) {
    return index.containsKey(name);
  }

  /** A column by the name people use. */
  public Column column(String name) {
    return col(internal(index.get(name)));
  }

  public DataType type(String name) {
    return types.get(index.get(name));
  }

  /**
   * Refuses a name that is not a column, and names the near miss.
   *
   * @param setting where the name was asked for
   */
  public void require(String name, String setting) {
    if (!has(name)) {
      throw new InvalidInputException(
          "%s has no column \"%s\" (%s); %s"
              .formatted(described, name, setting, NearMiss.suggestion(name, names())));
    }
  }

  /** Refuses a column that is not there or is nested; null is a column nobody named. */
  public void requirePlain(String name, String setting) {
    if (name == null) {
      return;
    }
    require(name, setting);
    DataType type = type(name);
    if (type instanceof ArrayType || type instanceof MapType || type.typeName().equals("struct")) {
      throw new InvalidInputException(
          "%s: column %s (%s) has type %s, but must be a plain value."
              .formatted(described, name, setting, type.simpleString()));
    }
  }

  /** All rows, columns under internal names. */
  public Dataset<Row> rows() {
    return rows;
  }

  /**
   * Rows of some of the {@link #files}, columns as in {@link #rows}; other files are not opened.
   */
  public Dataset<Row> rowsOf(Collection<String> some) {
    // Spark writes a local file with three slashes in one place and with one in the other
    Object[] paths =
        some.stream()
            .map(uri -> new Path(new Path(URI.create(uri)).toString()).toUri().toString())
            .toArray();
    return named.where(col("_metadata.file_path").isin(paths)).select(internal);
  }

  /** Names and types of the columns: rows of two files differ in neither. */
  public String schema() {
    return named.schema().catalogString();
  }

  /** True where every value is text that the job parses. */
  boolean isText() {
    return text;
  }

  /** The path of the file a row came from. */
  public Column file() {
    return col(FILE);
  }

  /** True for a row that does not have the columns its file has. */
  Column isMalformed() {
    return marksMalformed ? col(CORRUPT).isNotNull() : org.apache.spark.sql.functions.lit(false);
  }

  /** The row as JSON, under the names people use. */
  Column asJson() {
    var fields = new ArrayList<Column>();
    for (String name : names()) {
      fields.add(column(name).as(name));
    }
    if (marksMalformed) {
      fields.add(col(CORRUPT).as("malformed_row")); // JSON leaves nulls out
    }
    return to_json(struct(fields.toArray(Column[]::new)));
  }

  /** One column as text, lines in the order of the file where there is one file; no blanks. */
  public Dataset<Row> texts(String name) {
    return rows.select(column(name).cast("string").as("text"))
        .where("text is not null and trim(text) <> ''");
  }

  /** The whole line of a row that does not have the columns its file has; else null. */
  public Column malformed() {
    return marksMalformed
        ? col(CORRUPT)
        : org.apache.spark.sql.functions.lit(null).cast(DataTypes.StringType);
  }

  /** Runs an action on the rows; if a file cannot be read, the failure names it. */
  public <T> T reading(Callable<T> action) {
    return ReadFailures.guard(described, action, brokenFile);
  }

  /** A file that cannot be read to its end, looked for by reading; null if there is none. */
  public String brokenFile() {
    return brokenFile.get();
  }

  /** Refuses a table without rows. */
  void requireRows() {
    if (reading(rows::isEmpty)) {
      throw new InvalidInputException(
          "%s has no rows. Give a path with data.".formatted(described));
    }
  }

  /** Paths of the files behind the table; empty for a source that is not made of files. */
  public String[] files() {
    return files.clone();
  }

  private static String internal(int i) {
    return "_" + i;
  }
}
