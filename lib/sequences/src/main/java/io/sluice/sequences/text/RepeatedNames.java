package io.sluice.sequences.text;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.min;

import java.util.Optional;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * Names that several documents have.
 *
 * @param names how many there are
 * @param first by character; null if there are none
 */
public record RepeatedNames(long names, String first) {

  /** Counts them; a pass over the documents, of which only names are shuffled. */
  public static RepeatedNames of(Dataset<Row> documents, String nameColumn) {
    Row row =
        documents
            .groupBy(col(nameColumn).as("name"))
            .count()
            .where("count > 1")
            .agg(count(lit(1)), min("name"))
            .head();
    return new RepeatedNames(row.getLong(0), row.getString(1));
  }

  /**
   * What a person should know of them; empty where there are none.
   *
   * @param idColumn the column of the source that gives names
   */
  public Optional<String> warning(String idColumn) {
    return names == 0
        ? Optional.empty()
        : Optional.of(
            "%d names in source.columns.id = %s stand more than once, %s for one: every document is kept, and what is said of them later cannot be told apart by name. Give each a name of its own."
                .formatted(names, idColumn, first));
  }
}
