package io.sluice.sequences.dataset;

import java.io.IOException;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Types;
import org.apache.parquet.schema.Types.MessageTypeBuilder;

/** Segments as a Parquet part, row by row through parquet-mr: the columns of sequences.v1. */
final class TinyParquet {
  private final WindowContract contract;
  private final boolean dictionary;
  private final int pageRows;

  TinyParquet(WindowContract contract, boolean dictionary) {
    this(contract, dictionary, 20_000);
  }

  /**
   * @param pageRows rows of a page; ten of them are a row group
   */
  TinyParquet(WindowContract contract, boolean dictionary, int pageRows) {
    this.contract = contract;
    this.dictionary = dictionary;
    this.pageRows = pageRows;
  }

  MessageType schema() {
    MessageTypeBuilder schema = Types.buildMessage();
    for (String column : SegmentColumns.of(contract)) {
      switch (column) {
        case SegmentColumns.SERIES ->
            schema
                .optional(PrimitiveTypeName.BINARY)
                .as(LogicalTypeAnnotation.stringType())
                .named(column);
        case SegmentColumns.SEGMENT -> schema.optional(PrimitiveTypeName.INT64).named(column);
        case SegmentColumns.TIME -> {
          var time = schema.optional(PrimitiveTypeName.INT64);
          if (contract.time().type() == TimeAxis.Type.TIMESTAMP) {
            time =
                time.as(
                    LogicalTypeAnnotation.timestampType(
                        true, LogicalTypeAnnotation.TimeUnit.MICROS));
          }
          time.named(column);
        }
        case SegmentColumns.ORIGIN -> schema.optional(PrimitiveTypeName.BOOLEAN).named(column);
        default -> {
          if (column.startsWith(SegmentColumns.age(""))) {
            schema
                .optional(PrimitiveTypeName.INT32)
                .as(LogicalTypeAnnotation.intType(16, true))
                .named(column);
          } else {
            schema.optional(PrimitiveTypeName.FLOAT).named(column);
          }
        }
      }
    }
    return schema.named("spark_schema");
  }

  void write(String uri, List<Segment> segments) throws IOException {
    MessageType schema = schema();
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(
                HadoopOutputFile.fromPath(new Path(uri), new Configuration(false)))
            .withType(schema)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withDictionaryEncoding(dictionary)
            .withPageRowCountLimit(pageRows)
            .withMinRowCountForPageSizeCheck(Math.min(100, pageRows))
            .withRowGroupSize(10L * pageRows * 4 * schema.getColumns().size())
            .build()) {
      for (Segment segment : segments) {
        int nextOrigin = 0;
        for (int n = 0; n < segment.steps(); n++) {
          boolean isOrigin = nextOrigin < segment.windows() && segment.origins()[nextOrigin] == n;
          nextOrigin += isOrigin ? 1 : 0;
          writer.write(row(schema, segment, n, isOrigin));
        }
      }
    }
  }

  private Group row(MessageType schema, Segment segment, int n, boolean isOrigin) {
    var row = new SimpleGroup(schema);
    row.append(SegmentColumns.SERIES, segment.series());
    row.append(SegmentColumns.SEGMENT, segment.id());
    row.append(SegmentColumns.TIME, segment.times()[n]);
    for (int c = 0; c < contract.channels().size(); c++) {
      String channel = contract.channels().get(c);
      if (!Float.isNaN(segment.values()[c][n])) {
        row.append(channel, segment.values()[c][n]);
      }
      if (segment.ages() != null
          && segment.ages()[c] != null
          && segment.ages()[c][n] != Short.MAX_VALUE) {
        row.append(SegmentColumns.age(channel), (int) segment.ages()[c][n]);
      }
    }
    row.append(SegmentColumns.ORIGIN, isOrigin);
    if (segment.label() != null && !Float.isNaN(segment.label()[n])) {
      row.append(SegmentColumns.LABEL, segment.label()[n]);
    }
    return row;
  }
}
