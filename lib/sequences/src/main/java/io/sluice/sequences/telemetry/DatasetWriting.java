package io.sluice.sequences.telemetry;

import io.sluice.sequences.dataset.SequenceManifest.Part;
import io.sluice.sequences.dataset.WindowContract;
import io.sluice.sequences.lake.Lake;
import io.sluice.sequences.lake.StagedFolder;
import io.sluice.sequences.source.WriteFailures;
import io.sluice.sequences.telemetry.SequenceSettings.DatasetSettings;
import io.sluice.sequences.telemetry.grid.SeriesRange;
import io.sluice.sequences.telemetry.store.BlockPlan;
import io.sluice.sequences.telemetry.store.PartPlan;
import io.sluice.sequences.telemetry.store.PartTask;
import io.sluice.sequences.telemetry.store.SegmentShuffle;
import io.sluice.sequences.telemetry.store.TaskCounts;
import io.sluice.sequences.telemetry.store.WrittenPart;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the shuffle and the tasks that write, and takes their files over into the staged folder. */
final class DatasetWriting {
  private static final Logger LOG = LoggerFactory.getLogger(DatasetWriting.class);
  private static final String ATTEMPTS = "_attempts";

  /** What was written: the parts by path, and what tasks counted, by period. */
  record Written(List<Part> parts, TreeMap<String, TaskCounts> counts) {}

  private final SparkSession spark;
  private final StagedFolder staged;
  private final DatasetSettings settings;

  DatasetWriting(SparkSession spark, StagedFolder staged, DatasetSettings settings) {
    this.spark = spark;
    this.staged = staged;
    this.settings = settings;
  }

  Written write(
      PreparedSource source,
      BlockPlan plan,
      PartPlan parts,
      TreeMap<String, SeriesRange> ranges,
      WindowContract contract) {
    String attempts = staged.uri() + "/" + ATTEMPTS;
    int partitions = partitions(spark, settings.partitions());
    LOG.info("build  | {} parts on up to {} Spark partitions", parts.parts(), partitions);
    var task =
        new PartTask(
            plan,
            ranges,
            parts,
            contract,
            settings.codec(),
            attempts,
            new SerializableConfiguration(spark.sessionState().newHadoopConf()));
    List<PartTask.Result> results =
        WriteFailures.guard(
            source.described(),
            staged.uri(),
            () ->
                SegmentShuffle.of(
                        source.usable(),
                        source.valueColumns(),
                        plan.grid(),
                        plan.shape(),
                        parts,
                        partitions)
                    .mapPartitions(task)
                    .collect());
    var counts = new TreeMap<String, TaskCounts>();
    var written = new ArrayList<WrittenPart>();
    for (PartTask.Result result : results) {
      written.addAll(result.parts());
      result
          .counts()
          .forEach((period, own) -> counts.computeIfAbsent(period, p -> new TaskCounts()).add(own));
    }
    written.sort(Comparator.comparing(WrittenPart::path));
    takeOver(written);
    Lake.of(spark.sessionState().newHadoopConf()).delete(attempts);
    return new Written(written.stream().map(WrittenPart::toPart).toList(), counts);
  }

  static int partitions(SparkSession spark, int wanted) {
    return wanted > 0 ? wanted : Integer.parseInt(spark.conf().get("spark.sql.shuffle.partitions"));
  }

  private void takeOver(List<WrittenPart> written) {
    for (WrittenPart part : written) {
      var target = new Path(staged.uri() + "/" + part.path());
      try {
        FileSystem fs = Lake.of(spark.sessionState().newHadoopConf()).fileSystem(staged.uri());
        fs.mkdirs(target.getParent());
        if (!fs.rename(new Path(part.attemptPath()), target)) {
          throw new IOException("renaming %s failed".formatted(part.attemptPath()));
        }
      } catch (IOException e) {
        throw Lake.writeFailure(target.toString(), e);
      }
    }
  }
}
