package io.sluice.sequences;

import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/** One local Spark session for all tests of this module, given to parameters of its type. */
public final class SparkExtension implements ParameterResolver {

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == SparkSession.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return session();
  }

  /** The session; its time zone is far from UTC, so that nothing passes by leaning on the zone. */
  public static SparkSession session() {
    return SparkSession.builder()
        .master("local[2]")
        .appName("sequences-tests")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "Asia/Kathmandu")
        .config("spark.driver.host", "localhost")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config(
            "spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir") + "/sluice-warehouse")
        .getOrCreate();
  }
}
