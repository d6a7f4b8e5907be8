package io.sluice.scoring.batch;

import java.io.IOException;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.page.PageWriter;

/** A column of a Parquet file under way: takes values, and gives them away a page at a time. */
interface PageColumn {
  ColumnDescriptor descriptor();

  /** Writes what was added since the last page, {@code rows} rows of the table. */
  void endPage(PageWriter pages, int rows) throws IOException;

  /** Writes what belongs to the row group as a whole. */
  default void endRowGroup(PageWriter pages) throws IOException {}
}
