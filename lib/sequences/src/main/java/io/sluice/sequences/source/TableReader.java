package io.sluice.sequences.source;

import io.sluice.config.InvalidConfigException;
import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkThrowable;
import org.apache.spark.sql.AnalysisException;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has Spark read a table, and says in a person's words what keeps it from that.
 *
 * <p>CSV is read as text: Spark would guess types, and with them time zones, from the data.
 */
final class TableReader {
  private static final Logger LOG = LoggerFactory.getLogger(TableReader.class);
  private static final List<String> FORMATS =
      List.of("parquet", "csv", "json", "avro", "orc", "text", "delta", "iceberg");

  /** Column of the whole line of a row that does not have the columns its file has. */
  static final String CORRUPT = "_sluice_malformed";

  private static final String BLANK = "_sluice_blank_";

  private final SparkSession spark;
  private final TableSource source;

  TableReader(SparkSession spark, TableSource source) {
    this.spark = spark;
    this.source = source;
  }

  /** True for the column that marks rows as malformed: JSON brings one of Spark's own. */
  static boolean isCorruptMark(String name) {
    return name.equals(CORRUPT) || name.equals("_corrupt_record");
  }

  /** True for a column that is none: blanks at a line's end. */
  static boolean isBlankName(String name) {
    return name.startsWith(BLANK);
  }

  /** The table with the names of its columns, and with {@link #CORRUPT} where rows may be so. */
  Dataset<Row> open() throws Exception {
    SourceFiles.require(source.described(), source.path(), hadoop());
    try {
      return source.isCsv() ? csv() : typed();
    } catch (Exception e) {
      // AnalysisException is checked, and thrown from Scala without saying so
      throw e instanceof SparkThrowable said ? refusal(e, said.getErrorClass()) : e;
    }
  }

  private Configuration hadoop() {
    return spark.sessionState().newHadoopConf();
  }

  private Exception refusal(Exception failure, String errorClass) {
    String format = source.format();
    if ("DATA_SOURCE_NOT_FOUND".equals(errorClass)) {
      return new InvalidConfigException(
          "for " + source.described(),
          List.of(
              "format \"%s\" is no data source on the class path; %s Another one needs its jar: spark-submit --packages."
                  .formatted(format, NearMiss.suggestion(format, FORMATS))));
    }
    return failure instanceof AnalysisException
        ? new InvalidInputException(
            "Cannot read %s as %s: %s. Check source.format and the files."
                .formatted(source.described(), format, ReadFailures.oneLine(failure.getMessage())),
            failure)
        : failure;
  }

  // ------------------------------------------------------------------------ the file at fault

  /** A file that cannot be read to its end, looked for by reading; null if there is none. */
  String brokenFile() {
    try {
      return SourceFiles.firstBroken(
          SourceFiles.of(source.path(), hadoop()), some -> canBeRead(some.toArray(String[]::new)));
    } catch (IOException | RuntimeException e) {
      LOG.debug("The broken file of {} could not be looked for", source.path(), e);
      return null; // the failure itself is reported by the caller
    }
  }

  private boolean canBeRead(String[] files) {
    String format = source.format();
    boolean isLines = source.isCsv() || format.equals("json") || format.equals("text");
    try {
      DataFrameReader reader = spark.read().format(isLines ? "text" : format);
      (isLines ? reader : reader.options(typedOptions()))
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

  // ---------------------------------------------------------------- formats that know their types

  private Dataset<Row> typed() throws Exception {
    String format = source.format();
    boolean merges = format.equals("parquet") || format.equals("orc");
    Dataset<Row> table;
    try {
      table = spark.read().format(format).options(typedOptions()).load(source.path());
    } catch (Exception e) {
      if (merges) {
        MixedSchemas.refuse(spark, source);
      }
      throw e;
    }
    if (Arrays.stream(table.columns()).allMatch(TableReader::isCorruptMark)) {
      throw new InvalidInputException(
          "Cannot read %s as %s: not one of its rows is %s. Check source.format and the files."
              .formatted(source.described(), format, format));
    }
    List<String> names = source.columnNames();
    if (names.isEmpty()) {
      return table;
    }
    requireCount(table.columns().length);
    return table.toDF(names.toArray(String[]::new));
  }

  private Map<String, String> typedOptions() {
    var all = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    switch (source.format()) {
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
    all.putAll(source.options());
    return all;
  }

  // ------------------------------------------------------------------------------------------ CSV

  private Dataset<Row> csv() {
    boolean header = source.columnNames().isEmpty();
    var all = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    all.put("header", String.valueOf(header));
    all.put("ignoreLeadingWhiteSpace", "true");
    all.put("ignoreTrailingWhiteSpace", "true");
    all.putAll(source.options());
    all.put("inferSchema", "false");
    String[] found = spark.read().options(all).csv(source.path()).columns();
    requirePrintable(found);
    var schemaNames = new ArrayList<>(Arrays.asList(found));
    if (!header) {
      nameColumns(all, schemaNames);
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
        .csv(source.path());
  }

  private void requirePrintable(String[] names) {
    for (String name : names) {
      if (name.chars().anyMatch(c -> c == 0xFFFD || Character.getType(c) == Character.CONTROL)) {
        throw new InvalidInputException(
            "Cannot read %s as csv: its first line is not text in UTF-8. Check source.format, and source.options.encoding for another character set."
                .formatted(source.described()));
      }
    }
  }

  /** Blanks at a line's end look like columns of their own: they are not, if the first is blank. */
  private void nameColumns(Map<String, String> options, List<String> schemaNames) {
    int given = source.columnNames().size();
    if (schemaNames.size() < given) {
      requireCount(schemaNames.size());
    }
    Row first = spark.read().options(options).csv(source.path()).head();
    for (int i = 0; i < schemaNames.size(); i++) {
      if (i < given) {
        schemaNames.set(i, source.columnNames().get(i));
      } else if (first.isNullAt(i) || first.getString(i).isBlank()) {
        schemaNames.set(i, BLANK + i);
      }
    }
  }

  private void requireCount(int found) {
    int given = source.columnNames().size();
    if (given != found) {
      throw new InvalidInputException(
          "%s has %d columns, but source.column-names has %d names. Give one name a column, in order."
              .formatted(source.described(), found, given));
    }
  }
}
