package io.sluice.sequences.telemetry.source;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;

import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import io.sluice.sequences.telemetry.SourceSettings;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * A source opened: its columns by the names people use, and its rows.
 *
 * <p>CSV is read as text: Spark would guess types, and with them time zones, from the data. Columns
 * carry internal names, so that a dot or a blank in a name needs no quoting anywhere.
 */
public final class RawTable {
  private static final String CORRUPT = "_sluice_malformed";
  private static final String FILE = "_sluice_file";

  private final String described;
  private final Dataset<Row> rows;
  private final List<String> names;
  private final Map<String, Integer> index = new HashMap<>();
  private final List<DataType> types;
  private final boolean text;
  private final boolean marksMalformed;
  private final String[] files;

  private RawTable(String described, Dataset<Row> named, boolean text, String[] files) {
    this.described = described;
    this.text = text;
    this.files = files;
    List<String> all = Arrays.asList(named.columns());
    this.names = all.stream().filter(n -> !isCorruptMark(n)).toList();
    this.marksMalformed = names.size() < all.size();
    var internal = new ArrayList<Column>();
    for (String name : all) {
      Column column = col("`" + name.replace("`", "``") + "`");
      internal.add(column.as(isCorruptMark(name) ? CORRUPT : internal(names.indexOf(name))));
    }
    internal.add(input_file_name().as(FILE));
    this.types = names.stream().map(n -> named.schema().apply(n).dataType()).toList();
    for (int i = 0; i < names.size(); i++) {
      index.put(names.get(i), i);
    }
    this.rows = named.select(internal.toArray(Column[]::new));
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
    requireFiles(spark, described, path);
    return ReadFailures.guard(
        described,
        () -> {
          boolean csv = format.equals("csv");
          Dataset<Row> table =
              csv
                  ? readCsv(spark, described, path, options, columnNames)
                  : readTyped(spark, described, path, format, options);
          if (!csv && !columnNames.isEmpty()) {
            requireCount(described, columnNames, table.columns().length);
            table = table.toDF(columnNames.toArray(String[]::new));
          }
          return new RawTable(described, table, csv, table.inputFiles());
        });
  }

  // JSON brings a column of Spark's own where a line is not JSON
  private static boolean isCorruptMark(String name) {
    return name.equals(CORRUPT) || name.equals("_corrupt_record");
  }

  private static void requireFiles(SparkSession spark, String described, String path) {
    try {
      var hadoopPath = new Path(path);
      FileStatus[] found =
          hadoopPath.getFileSystem(spark.sessionState().newHadoopConf()).globStatus(hadoopPath);
      if (found == null || found.length == 0) {
        throw new InvalidInputException(
            "%s: there is no such file or folder. Give an existing path, folder or glob."
                .formatted(described));
      }
      for (FileStatus status : found) {
        // opening tells what a listing does not: no permission
        var fs = status.getPath().getFileSystem(spark.sessionState().newHadoopConf());
        if (status.isDirectory()) {
          fs.listStatus(status.getPath());
        } else {
          fs.open(status.getPath()).close();
        }
      }
    } catch (FileNotFoundException e) {
      throw new InvalidInputException(
          "%s: cannot be read (%s). Check the path and its permissions."
              .formatted(described, e.getMessage()),
          e);
    } catch (IOException | IllegalArgumentException e) {
      throw new InvalidInputException(
          "%s: cannot be read (%s). Check the path and its permissions."
              .formatted(described, e.getMessage()),
          e);
    }
  }

  private static Dataset<Row> readTyped(
      SparkSession spark,
      String described,
      String path,
      String format,
      Map<String, String> options) {
    boolean merges = format.equals("parquet") || format.equals("orc");
    DataFrameReader reader = spark.read().format(format);
    if (merges) {
      reader = reader.option("mergeSchema", "true");
    }
    reader = reader.options(options);
    try {
      return reader.load(path);
    } catch (RuntimeException e) {
      if (merges) {
        MixedSchemas.refuse(spark, described, path, format, options);
      }
      throw e;
    } catch (Exception e) {
      // AnalysisException is checked, and thrown from Scala without saying so
      String message = String.valueOf(e.getMessage());
      if (merges) {
        MixedSchemas.refuse(spark, described, path, format, options);
      }
      throw new InvalidInputException(
          "Cannot read %s as %s: %s Check source.format and the files."
              .formatted(described, format, message.strip().lines().findFirst().orElse("")),
          e);
    }
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

  /** All rows, columns under internal names. */
  Dataset<Row> rows() {
    return rows;
  }

  /** True where every value is text that the job parses. */
  boolean isText() {
    return text;
  }

  /** The path of the file a row came from. */
  Column file() {
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
    return to_json(struct(fields.toArray(Column[]::new)));
  }

  /** One column as text, lines in the order of the file where there is one file; no blanks. */
  public Dataset<Row> texts(String name) {
    return rows.select(column(name).cast("string").as("text"))
        .where("text is not null and trim(text) <> ''");
  }

  /** Paths of the files behind the table; empty for a source that is not made of files. */
  public String[] files() {
    return files.clone();
  }

  private static String internal(int i) {
    return "_" + i;
  }
}
