package io.sluice.sequences.telemetry.store;

import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.SegmentColumns;
import io.sluice.sequences.dataset.TimeAxis;
import io.sluice.sequences.dataset.WindowContract;
import java.io.IOException;
import java.util.HashMap;
import java.util.Locale;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;

/**
 * Writes segments into one Parquet file, a row a time step, columns as {@link SegmentColumns} lists
 * them. Values go to Parquet as primitives.
 */
final class SegmentPartWriter implements AutoCloseable {
  // small enough that three open files a task stay far below its heap
  private static final long ROW_GROUP_BYTES = 32L << 20;

  // training streams a shard's few segments at a time and decodes the pages that they lie in; as
  // long as a column batch of its reader
  private static final int ROWS_PER_PAGE = 4096;

  private final ParquetWriter<Cursor> writer;
  private final Cursor cursor = new Cursor();
  private final StepHash hash = new StepHash();
  private long segments;
  private long steps;
  private long windows;

  SegmentPartWriter(Path file, Configuration hadoop, WindowContract contract, String codec)
      throws IOException {
    this.writer =
        new Builder(file, contract)
            .withConf(hadoop)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .withCompressionCodec(CompressionCodecName.valueOf(codec.toUpperCase(Locale.ROOT)))
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withPageRowCountLimit(ROWS_PER_PAGE)
            // steps at a fixed interval: version 2 stores their differences, next to nothing
            .withWriterVersion(ParquetProperties.WriterVersion.PARQUET_2_0)
            .withDictionaryEncoding(SegmentColumns.TIME, false)
            .build();
  }

  void write(Segment segment) throws IOException {
    cursor.start(segment);
    hash.start(segment);
    for (int n = 0; n < segment.steps(); n++) {
      cursor.at(n);
      hash.add(segment, n, cursor.isOrigin);
      writer.write(cursor);
    }
    segments++;
    steps += segment.steps();
    windows += segment.windows();
  }

  WrittenPart close(String attemptPath, String path, String split) throws IOException {
    writer.close();
    return new WrittenPart(attemptPath, path, split, segments, steps, windows, hash.toHex());
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  /** A step of a segment: what Parquet calls a record. */
  private static final class Cursor {
    Segment segment;
    Binary series;
    int n;
    boolean isOrigin;
    private int nextOrigin;

    void start(Segment newSegment) {
      segment = newSegment;
      series = Binary.fromString(newSegment.series());
      nextOrigin = 0;
    }

    void at(int step) {
      n = step;
      isOrigin = nextOrigin < segment.windows() && segment.origins()[nextOrigin] == step;
      if (isOrigin) {
        nextOrigin++;
      }
    }
  }

  private static final class Builder extends ParquetWriter.Builder<Cursor, Builder> {
    private final WindowContract contract;

    Builder(Path file, WindowContract contract) {
      super(file);
      this.contract = contract;
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<Cursor> getWriteSupport(Configuration hadoop) {
      return new Rows(contract);
    }
  }

  /** The Parquet schema of a contract's parts. */
  static MessageType schema(WindowContract contract) {
    var message = Types.buildMessage();
    message
        .required(PrimitiveTypeName.BINARY)
        .as(LogicalTypeAnnotation.stringType())
        .named(SegmentColumns.SERIES);
    message.required(PrimitiveTypeName.INT64).named(SegmentColumns.SEGMENT);
    if (contract.time().type() == TimeAxis.Type.TIMESTAMP) {
      message
          .required(PrimitiveTypeName.INT64)
          .as(LogicalTypeAnnotation.timestampType(true, LogicalTypeAnnotation.TimeUnit.MICROS))
          .named(SegmentColumns.TIME);
    } else {
      message.required(PrimitiveTypeName.INT64).named(SegmentColumns.TIME);
    }
    for (String channel : contract.channels()) {
      message.optional(PrimitiveTypeName.FLOAT).named(channel);
    }
    message.required(PrimitiveTypeName.BOOLEAN).named(SegmentColumns.ORIGIN);
    if (contract.storesAges()) {
      for (String channel : contract.inputs()) {
        message
            .optional(PrimitiveTypeName.INT32)
            .as(LogicalTypeAnnotation.intType(16, true))
            .named(SegmentColumns.age(channel));
      }
    }
    if (contract.storesLabel()) {
      message.optional(PrimitiveTypeName.FLOAT).named(SegmentColumns.LABEL);
    }
    return message.named("sequences_v1");
  }

  private static final class Rows extends WriteSupport<Cursor> {
    private final MessageType schema;
    private final int channels;
    private final int[] aged;
    private final String[] names;
    private RecordConsumer out;

    Rows(WindowContract contract) {
      this.schema = schema(contract);
      this.channels = contract.channels().size();
      this.aged =
          contract.storesAges()
              ? contract.inputs().stream().mapToInt(contract.channels()::indexOf).toArray()
              : new int[0];
      this.names =
          schema.getFields().stream()
              .map(org.apache.parquet.schema.Type::getName)
              .toArray(String[]::new);
    }

    @Override
    public WriteContext init(Configuration hadoop) {
      return new WriteContext(schema, new HashMap<>());
    }

    @Override
    public void prepareForWrite(RecordConsumer recordConsumer) {
      out = recordConsumer;
    }

    @Override
    public void write(Cursor cursor) {
      Segment segment = cursor.segment;
      int n = cursor.n;
      int column = 0;
      out.startMessage();
      out.startField(names[column], column);
      out.addBinary(cursor.series);
      out.endField(names[column], column++);
      out.startField(names[column], column);
      out.addLong(segment.id());
      out.endField(names[column], column++);
      out.startField(names[column], column);
      out.addLong(segment.times()[n]);
      out.endField(names[column], column++);
      for (int c = 0; c < channels; c++) {
        addFloat(segment.values()[c][n], column++);
      }
      out.startField(names[column], column);
      out.addBoolean(cursor.isOrigin);
      out.endField(names[column], column++);
      for (int c : aged) {
        short age = segment.ages()[c][n];
        if (age != Short.MAX_VALUE) {
          out.startField(names[column], column);
          out.addInteger(age);
          out.endField(names[column], column);
        }
        column++;
      }
      if (segment.label() != null) {
        addFloat(segment.label()[n], column);
      }
      out.endMessage();
    }

    private void addFloat(float value, int column) {
      if (!Float.isNaN(value)) {
        out.startField(names[column], column);
        out.addFloat(value);
        out.endField(names[column], column);
      }
    }
  }
}
