package io.sluice.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The whole pipeline on a real HDFS: a name node and a data node on loopback. */
class HdfsPipelineIT {
  private static MiniDFSCluster hdfs;
  private static FileSystem files;
  private static String lake;

  @BeforeAll
  static void start() throws Exception {
    Path folder = SmallPlant.folder("hdfs");
    var configuration = new HdfsConfiguration();
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, folder.toString());
    configuration.setInt("dfs.replication", 1);
    hdfs = new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
    hdfs.waitActive();
    files = hdfs.getFileSystem();
    lake = hdfs.getURI() + "/lake";
  }

  @AfterAll
  static void stop() {
    if (hdfs != null) {
      hdfs.shutdown(true);
    }
  }

  @Test
  void rawTelemetryBecomesPredictionsWithoutALocalFile() throws Exception {
    var raw = new org.apache.hadoop.fs.Path(lake, "raw/wide");
    files.mkdirs(raw.getParent());
    files.copyFromLocalFile(
        new org.apache.hadoop.fs.Path(SmallPlant.lake().resolve("raw/wide").toUri()), raw);

    JsonNode report = Script.onSmallPlant("pipeline.sh", lake).run().requireStatus(0).report();

    assertThat(report.at("/build/dataset").asText()).startsWith("hdfs://");
    assertThat(report.at("/train/bundle/uri").asText()).startsWith("hdfs://");
    assertThat(exists(report.at("/build/dataset").asText() + "/manifest.json")).isTrue();
    assertThat(exists(report.at("/train/bundle/uri").asText() + "/model.zip")).isTrue();
    assertThat(exists(report.at("/evaluate/page").asText())).isTrue();
    assertThat(exists(report.at("/summary").asText())).isTrue();
    assertThat(readBack(report.at("/score/predictions").asText()))
        .isEqualTo(report.at("/score/predictionsWritten").asLong())
        .isPositive();
    assertThat(leftovers()).isEmpty();
  }

  private static boolean exists(String uri) throws Exception {
    return files.exists(new org.apache.hadoop.fs.Path(URI.create(uri)));
  }

  private static long readBack(String predictions) {
    Configuration hadoop = files.getConf();
    try (SparkSession spark =
        SparkSession.builder()
            .master("local[1]")
            .config("spark.ui.enabled", false)
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.hadoop.fs.defaultFS", hadoop.get("fs.defaultFS"))
            .getOrCreate()) {
      Dataset<Row> rows = spark.read().parquet(predictions);
      assertThat(rows.filter("prediction is null or isnan(prediction)").count()).isZero();
      return rows.count();
    }
  }

  /** Staging folders, locks and journals that a finished run has no use for. */
  private static ArrayList<String> leftovers() throws Exception {
    var leftovers = new ArrayList<String>();
    var all = files.listFiles(new org.apache.hadoop.fs.Path(lake), true);
    while (all.hasNext()) {
      LocatedFileStatus file = all.next();
      String path = file.getPath().toString();
      if (path.contains("staging") || path.contains("journal") || path.endsWith(".lock")) {
        leftovers.add(path);
      }
    }
    return leftovers;
  }
}
