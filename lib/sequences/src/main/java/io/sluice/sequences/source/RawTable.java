package io.sluice.sequences.source;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.input_file_name;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;

import io.sluice.config.NearMiss;
import io.sluice.failure.InvalidInputException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.MapType;

/**
 * A source opened: its columns by the names people use, and its rows.
 *
 * <p>Columns carry internal names, so that a dot or a blank in a name needs no quoting anywhere.
 */
public final class RawTable {
  private static final String FILE = "_sluice_file";

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

  private RawTable(TableSource source, Dataset<Row> named, Supplier<String> brokenFile) {
    this.described = source.described();
    this.named = named;
    this.text = source.isCsv();
    this.files = named.inputFiles();
    this.brokenFile = brokenFile;
    List<String> all = Arrays.asList(named.columns());
    this.names = all.stream().filter(n -> !TableReader.isCorruptMark(n)).toList();
    this.marksMalformed = names.size() < all.size();
    var columns = new ArrayList<Column>();
    for (String name : all) {
      Column column = col("`" + name.replace("`", "``") + "`");
      columns.add(
          column.as(
              TableReader.isCorruptMark(name)
                  ? TableReader.CORRUPT
                  : internal(names.indexOf(name))));
    }
    columns.add(input_file_name().as(FILE));
    this.internal = columns.toArray(Column[]::new);
    this.types = names.stream().map(n -> named.schema().apply(n).dataType()).toList();
    for (int i = 0; i < names.size(); i++) {
      index.put(names.get(i), i);
    }
    this.rows = named.select(internal);
  }

  /** Opens a table, or says which path, file or column is wrong. */
  public static RawTable open(SparkSession spark, TableSource source) {
    var reader = new TableReader(spark, source);
    return ReadFailures.guard(
        source.described(),
        () -> {
          Dataset<Row> table = reader.open();
          return new RawTable(source, table, reader::brokenFile);
        },
        reader::brokenFile);
  }

  /** The setting and its value, for messages. */
  public String described() {
    return described;
  }

  /** Names of the columns in the table's order. */
  public List<String> names() {
    return names.stream().filter(n -> !TableReader.isBlankName(n)).toList();
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
          "%s: column %s (%s) has type %s, but must be a plain value. Set %3$s to another column, or flatten this one in the source."
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
  public boolean isText() {
    return text;
  }

  /** The path of the file a row came from. */
  public Column file() {
    return col(FILE);
  }

  /** True for a row that does not have the columns its file has. */
  public Column isMalformed() {
    return marksMalformed ? col(TableReader.CORRUPT).isNotNull() : lit(false);
  }

  /** The row as JSON, under the names people use. */
  public Column asJson() {
    var fields = new ArrayList<Column>();
    for (String name : names()) {
      fields.add(column(name).as(name));
    }
    if (marksMalformed) {
      fields.add(col(TableReader.CORRUPT).as("malformed_row")); // JSON leaves nulls out
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
    return marksMalformed ? col(TableReader.CORRUPT) : lit(null).cast(DataTypes.StringType);
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
  public void requireRows() {
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
