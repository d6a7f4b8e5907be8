package io.sluice.training;

import org.apache.hadoop.security.UserGroupInformation;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Spark in this process, from before the first test of a class until after the last one. */
public final class LocalSpark implements BeforeAllCallback, AfterAllCallback {
  private final int slots;
  private final boolean authenticates;
  private SparkSession session;

  private LocalSpark(int slots, boolean authenticates) {
    this.slots = slots;
    this.authenticates = authenticates;
  }

  /**
   * @param slots tasks that run at once
   */
  public static LocalSpark of(int slots) {
    return new LocalSpark(slots, false);
  }

  /** The same, and its members authenticate each other and encrypt what they send. */
  static LocalSpark authenticating(int slots) {
    return new LocalSpark(slots, true);
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    var builder =
        SparkSession.builder()
            .master("local[" + slots + "]")
            .appName(context.getRequiredTestClass().getSimpleName())
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "localhost");
    if (authenticates) {
      builder.config("spark.authenticate", "true").config("spark.network.crypto.enabled", "true");
    }
    session = builder.getOrCreate();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    session.stop();
    if (authenticates) {
      // Spark leaves its secret with the user, and would take it for that of later tests
      UserGroupInformation.reset();
    }
  }

  public SparkSession session() {
    return session;
  }

  public JavaSparkContext context() {
    return new JavaSparkContext(session.sparkContext());
  }
}
