package io.sluice.sequences.dataset;

import io.sluice.failure.InvalidInputException;
import io.sluice.failure.UserFailure;
import io.sluice.sequences.lake.Lake;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.security.AccessControlException;
import org.apache.parquet.filter2.predicate.FilterPredicate;
import org.apache.parquet.hadoop.metadata.ParquetMetadata;
import org.apache.parquet.schema.MessageType;
import org.apache.spark.sql.execution.vectorized.WritableColumnVector;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Segments of one part in file order: contiguous rows of equal series and segment number, put
 * together across the borders of column batches. Holds one segment and one batch at a time.
 *
 * <p>Columns move in bulk, a run of rows at a time; only the borders between segments are looked
 * for row by row. At the end the counts are held against the manifest's.
 */
final class SegmentReader implements Iterator<Segment>, AutoCloseable {
  private static final String REBUILD =
      "Rebuild the dataset with build-sequences, or restore the file.";

  private final String file;
  private final SequenceManifest.Part part;
  private final WindowContract contract;
  private final boolean isWhole;
  private final ParquetPart parquet;
  private final SegmentAssembler assembler;

  // the batch being taken apart
  private int rows;
  private int row;
  private long[] segmentIds = {};
  private SeriesColumn series;

  private Segment next;
  private boolean ended;
  private long segments;
  private long steps;
  private long windows;

  /** All segments. */
  SegmentReader(
      String dataset, SequenceManifest.Part part, WindowContract contract, Configuration hadoop) {
    this(dataset, part, contract, hadoop, null, null);
  }

  /**
   * Segments of some rows. Row groups and pages without one of these are passed over where the file
   * has statistics, so a segment that holds another row may lack steps.
   *
   * @param footers where the file's footer is remembered; null reads it
   * @param rows null for all of them
   */
  SegmentReader(
      String dataset,
      SequenceManifest.Part part,
      WindowContract contract,
      Configuration hadoop,
      Footers footers,
      FilterPredicate rows) {
    this.part = part;
    this.contract = contract;
    this.isWhole = rows == null;
    this.file = dataset + "/" + part.path();
    this.assembler = new SegmentAssembler(contract);
    try {
      var path = new Path(file);
      ParquetMetadata footer =
          footers == null ? ParquetPart.footer(path, hadoop) : footers.of(path, hadoop);
      StructField[] columns = columns(footer.getFileMetaData().getSchema());
      this.parquet = ParquetPart.open(path, footer, columns, rows, hadoop);
    } catch (IOException | RuntimeException e) {
      throw failure(e);
    }
  }

  @Override
  public boolean hasNext() {
    if (next == null && !ended) {
      try {
        next = read();
      } catch (IOException | RuntimeException e) {
        close();
        throw failure(e);
      }
      if (next == null) {
        ended = true;
        close();
        if (isWhole) {
          checkCounts();
        }
      }
    }
    return next != null;
  }

  @Override
  public Segment next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more segments in " + file);
    }
    Segment segment = next;
    next = null;
    return segment;
  }

  /** Closes the file; further segments are not read. */
  @Override
  public void close() {
    ended = true;
    try {
      parquet.close();
    } catch (IOException e) {
      throw Lake.readFailure("dataset part", file, e);
    }
  }

  /** The next whole segment, or null at the end of the file. */
  private Segment read() throws IOException {
    while (true) {
      if (row == rows && !nextBatch()) {
        return assembler.isEmpty() ? null : counted(assembler.finish());
      }
      boolean begins =
          assembler.isEmpty()
              || segmentIds[row] != assembler.id()
              || !series.equals(row, assembler.series());
      if (begins && !assembler.isEmpty()) {
        return counted(assembler.finish());
      }
      if (begins) {
        assembler.begin(series.at(row), segmentIds[row]);
      }
      int end = row + 1;
      while (end < rows && segmentIds[end] == segmentIds[row] && series.same(end, row)) {
        end++;
      }
      assembler.append(parquet, row, end - row);
      row = end;
    }
  }

  private boolean nextBatch() throws IOException {
    rows = parquet.next();
    row = 0;
    if (rows == 0) {
      return false;
    }
    segmentIds = parquet.column(SegmentAssembler.SEGMENT).getLongs(0, rows);
    series = new SeriesColumn(parquet.column(SegmentAssembler.SERIES));
    return true;
  }

  private Segment counted(Segment segment) {
    segments++;
    steps += segment.steps();
    windows += segment.windows();
    return segment;
  }

  /** Says that the file no longer holds what was found in it when the run began. */
  InvalidInputException changed() {
    return new InvalidInputException(
        "%s no longer holds the segments that this run found in it when it began. Leave a dataset alone while it is trained on. %s"
            .formatted(file, REBUILD));
  }

  private void checkCounts() {
    if (segments != part.segments() || steps != part.steps() || windows != part.windows()) {
      throw new InvalidInputException(
          ("%s holds %d segments, %d steps and %d windows; the manifest says %d, %d and %d. The"
                  + " file was changed or mixed up after the build. %s")
              .formatted(
                  file,
                  segments,
                  steps,
                  windows,
                  part.segments(),
                  part.steps(),
                  part.windows(),
                  REBUILD));
    }
  }

  /** The contract's columns with their types in memory; refuses a file that lacks one. */
  private StructField[] columns(MessageType schema) {
    StructType wanted = SegmentSchema.of(contract);
    List<String> missing =
        Arrays.stream(wanted.fieldNames()).filter(name -> !schema.containsField(name)).toList();
    if (!missing.isEmpty()) {
      throw new InvalidInputException(
          "%s lacks column%s %s (has: %s). %s"
              .formatted(
                  file,
                  missing.size() == 1 ? "" : "s",
                  String.join(", ", missing),
                  schema.getFields().stream().map(f -> f.getName()).toList(),
                  REBUILD));
    }
    return wanted.fields();
  }

  /** A missing file or a lost permission by itself; whatever else Parquet throws is corruption. */
  private RuntimeException failure(Exception e) {
    if (e instanceof UserFailure known) {
      return known;
    }
    if (e instanceof InterruptedIOException || Thread.currentThread().isInterrupted()) {
      return new IllegalStateException("interrupted while reading " + file, e);
    }
    if (e instanceof FileNotFoundException || e instanceof AccessControlException) {
      return Lake.readFailure("dataset part", file, e);
    }
    String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new InvalidInputException(
        "%s cannot be read as Parquet: %s. The file is truncated or corrupt. %s"
            .formatted(file, message.lines().findFirst().orElse("").strip(), REBUILD),
        e);
  }

  /** Series names of a batch, compared by dictionary index where the file has a dictionary. */
  private static final class SeriesColumn {
    private final WritableColumnVector vector;
    private final WritableColumnVector indices;

    SeriesColumn(WritableColumnVector vector) {
      this.vector = vector;
      this.indices = vector.hasDictionary() ? vector.getDictionaryIds() : null;
    }

    boolean same(int row, int other) {
      return indices != null
          ? indices.getDictId(row) == indices.getDictId(other)
          : vector.getUTF8String(row).equals(vector.getUTF8String(other));
    }

    String at(int row) {
      return vector.getUTF8String(row).toString();
    }

    boolean equals(int row, String name) {
      return at(row).equals(name);
    }
  }
}
