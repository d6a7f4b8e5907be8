package io.sluice.sequences.text;

import io.sluice.sequences.text.dataset.TextColumns;
import io.sluice.sequences.text.encoding.TextContract.Layout;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
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

/** Writes one Parquet file of documents or of blocks. Equal rows give equal bytes. */
final class PartWriter implements AutoCloseable {
  private static final long ROW_GROUP_BYTES = 32L << 20;

  // a reader that streams decodes the pages that its rows lie in
  private static final int PAGE_BYTES = 128 << 10;

  /** What Parquet calls a record. */
  private static final class Record {
    long number;
    String id;
    Integer label;
    int[] ids;
    int length;
  }

  private final ParquetWriter<Record> writer;
  private final Record record = new Record();
  private final MessageDigest digest = Tokenising.sha256();
  private long rows;
  private long tokens;

  PartWriter(Path file, Layout layout, String codec, Configuration hadoop) throws IOException {
    this.writer =
        new Builder(file, layout)
            .withConf(hadoop)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .withCompressionCodec(CompressionCodecName.valueOf(codec.toUpperCase(Locale.ROOT)))
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withPageSize(PAGE_BYTES)
            .build();
  }

  /**
   * @param label null = none
   */
  void writeDocument(String id, Integer label, int[] ids) throws IOException {
    record.id = id;
    record.label = label;
    hash(id.getBytes(StandardCharsets.UTF_8));
    hash(ByteBuffer.allocate(4).putInt(label == null ? -1 : label).array());
    record.number = rows;
    write(ids, ids.length);
  }

  /**
   * @param block its number in the stream
   * @param length tokens of {@code ids} that count
   */
  void writeBlock(long block, int[] ids, int length) throws IOException {
    record.number = block;
    write(ids, length);
  }

  private void write(int[] ids, int length) throws IOException {
    record.ids = ids;
    record.length = length;
    ByteBuffer bytes = ByteBuffer.allocate(4 * length);
    bytes.asIntBuffer().put(ids, 0, length);
    hash(bytes.array());
    writer.write(record);
    rows++;
    tokens += length;
  }

  /** The length first: two texts then never hash as one. */
  private void hash(byte[] bytes) {
    digest.update(ByteBuffer.allocate(4).putInt(bytes.length).array());
    digest.update(bytes);
  }

  long rows() {
    return rows;
  }

  long tokens() {
    return tokens;
  }

  /** SHA-256 of what was written; ends the writer. */
  String finish() throws IOException {
    writer.close();
    return HexFormat.of().formatHex(digest.digest());
  }

  @Override
  public void close() throws IOException {
    writer.close();
  }

  static MessageType schema(Layout layout) {
    var message = Types.buildMessage();
    if (layout == Layout.DOCUMENTS) {
      message.required(PrimitiveTypeName.INT64).named(TextColumns.ROW);
      message
          .required(PrimitiveTypeName.BINARY)
          .as(LogicalTypeAnnotation.stringType())
          .named(TextColumns.ID);
      message.optional(PrimitiveTypeName.INT32).named(TextColumns.LABEL);
    } else {
      message.required(PrimitiveTypeName.INT64).named(TextColumns.BLOCK);
    }
    message.requiredList().requiredElement(PrimitiveTypeName.INT32).named(TextColumns.IDS);
    return message.named("text_sequences_v1");
  }

  private static final class Builder extends ParquetWriter.Builder<Record, Builder> {
    private final Layout layout;

    Builder(Path file, Layout layout) {
      super(file);
      this.layout = layout;
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<Record> getWriteSupport(Configuration hadoop) {
      return new Rows(layout);
    }
  }

  private static final class Rows extends WriteSupport<Record> {
    private final Layout layout;
    private RecordConsumer out;

    Rows(Layout layout) {
      this.layout = layout;
    }

    @Override
    public WriteContext init(Configuration hadoop) {
      return new WriteContext(schema(layout), new HashMap<>());
    }

    @Override
    public void prepareForWrite(RecordConsumer recordConsumer) {
      out = recordConsumer;
    }

    @Override
    public void write(Record row) {
      out.startMessage();
      int column = 0;
      if (layout == Layout.DOCUMENTS) {
        number(TextColumns.ROW, column++, row.number);
        out.startField(TextColumns.ID, column);
        out.addBinary(Binary.fromString(row.id));
        out.endField(TextColumns.ID, column++);
        if (row.label != null) {
          out.startField(TextColumns.LABEL, column);
          out.addInteger(row.label);
          out.endField(TextColumns.LABEL, column);
        }
        column++;
      } else {
        number(TextColumns.BLOCK, column++, row.number);
      }
      out.startField(TextColumns.IDS, column);
      out.startGroup();
      if (row.length > 0) {
        out.startField("list", 0);
        for (int i = 0; i < row.length; i++) {
          out.startGroup();
          out.startField("element", 0);
          out.addInteger(row.ids[i]);
          out.endField("element", 0);
          out.endGroup();
        }
        out.endField("list", 0);
      }
      out.endGroup();
      out.endField(TextColumns.IDS, column);
      out.endMessage();
    }

    private void number(String name, int column, long value) {
      out.startField(name, column);
      out.addLong(value);
      out.endField(name, column);
    }
  }
}
