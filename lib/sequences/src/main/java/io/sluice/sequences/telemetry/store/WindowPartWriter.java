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
 * Writes windows, one a row, for other tools: {@code series}, {@code origin} (time of the last
 * look-back step), {@code input__X} (an array of T values per input channel), {@code target__X} (an
 * array of H values per forecast channel) or {@code label}. Values are in the channel's own unit,
 * null where missing; scalers are in the manifest.
 */
public final class WindowPartWriter implements AutoCloseable {
  private static final long ROW_GROUP_BYTES = 32L << 20;

  private final ParquetWriter<Window> writer;
  private final Window window = new Window();

  public WindowPartWriter(Path file, Configuration hadoop, WindowContract contract, String codec)
      throws IOException {
    this.writer =
        new Builder(file, contract)
            .withConf(hadoop)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .withCompressionCodec(CompressionCodecName.valueOf(codec.toUpperCase(Locale.ROOT)))
            .withRowGroupSize(ROW_GROUP_BYTES)
            .build();
  }

  /** Writes every window of a segment. */
  public void write(Segment segment) throws IOException {
    window.segment = segment;
    window.series = Binary.fromString(segment.series());
    for (int origin : segment.origins()) {
      window.origin = origin;
      writer.write(window);
    }
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  private static final class Window {
    Segment segment;
    Binary series;
    int origin;
  }

  private static final class Builder extends ParquetWriter.Builder<Window, Builder> {
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
    protected WriteSupport<Window> getWriteSupport(Configuration hadoop) {
      return new Rows(contract);
    }
  }

  private static MessageType schema(WindowContract contract) {
    var message = Types.buildMessage();
    message
        .required(PrimitiveTypeName.BINARY)
        .as(LogicalTypeAnnotation.stringType())
        .named(SegmentColumns.SERIES);
    if (contract.time().type() == TimeAxis.Type.TIMESTAMP) {
      message
          .required(PrimitiveTypeName.INT64)
          .as(LogicalTypeAnnotation.timestampType(true, LogicalTypeAnnotation.TimeUnit.MICROS))
          .named(SegmentColumns.ORIGIN);
    } else {
      message.required(PrimitiveTypeName.INT64).named(SegmentColumns.ORIGIN);
    }
    for (String input : contract.inputs()) {
      addList(message, "input__" + input);
    }
    for (String target : contract.target().channels()) {
      addList(message, "target__" + target);
    }
    if (contract.storesLabel()) {
      message.optional(PrimitiveTypeName.FLOAT).named(SegmentColumns.LABEL);
    }
    return message.named("sequence_windows_v1");
  }

  private static void addList(Types.MessageTypeBuilder message, String name) {
    message.requiredList().optionalElement(PrimitiveTypeName.FLOAT).named(name);
  }

  private static final class Rows extends WriteSupport<Window> {
    private final WindowContract contract;
    private final MessageType schema;
    private final int[] inputs;
    private final int[] targets;
    private RecordConsumer out;

    Rows(WindowContract contract) {
      this.contract = contract;
      this.schema = schema(contract);
      this.inputs = contract.inputs().stream().mapToInt(contract.channels()::indexOf).toArray();
      this.targets =
          contract.target().channels().stream().mapToInt(contract.channels()::indexOf).toArray();
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
    public void write(Window window) {
      Segment segment = window.segment;
      int n = window.origin;
      int column = 0;
      out.startMessage();
      out.startField(SegmentColumns.SERIES, column);
      out.addBinary(window.series);
      out.endField(SegmentColumns.SERIES, column++);
      out.startField(SegmentColumns.ORIGIN, column);
      out.addLong(segment.times()[n]);
      out.endField(SegmentColumns.ORIGIN, column++);
      for (int c : inputs) {
        addValues(segment.values()[c], n - contract.lookBack() + 1, contract.lookBack(), column++);
      }
      for (int c : targets) {
        addValues(segment.values()[c], n + 1, contract.horizon(), column++);
      }
      if (contract.storesLabel() && !Float.isNaN(segment.label()[n])) {
        out.startField(SegmentColumns.LABEL, column);
        out.addFloat(segment.label()[n]);
        out.endField(SegmentColumns.LABEL, column);
      }
      out.endMessage();
    }

    private void addValues(float[] values, int from, int count, int column) {
      String name = schema.getFieldName(column);
      out.startField(name, column);
      out.startGroup();
      out.startField("list", 0);
      for (int i = from; i < from + count; i++) {
        out.startGroup();
        if (!Float.isNaN(values[i])) {
          out.startField("element", 0);
          out.addFloat(values[i]);
          out.endField("element", 0);
        }
        out.endGroup();
      }
      out.endField("list", 0);
      out.endGroup();
      out.endField(name, column);
    }
  }
}
