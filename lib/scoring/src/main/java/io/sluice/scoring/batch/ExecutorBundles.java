package io.sluice.scoring.batch;

import io.sluice.failure.OperationFailedException;
import io.sluice.scoring.bundle.ModelBundle;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;

/**
 * Bundles opened in this JVM, by hash: each executor reads and verifies a bundle once, whatever the
 * number of its tasks, straight from the lake. Nothing of a bundle travels through Spark's
 * serialisation.
 */
final class ExecutorBundles {
  /** A long-lived executor meets one model after another; the ones before are let go. */
  private static final int KEPT = 4;

  private static final Map<String, ModelBundle> OPEN =
      new LinkedHashMap<>(KEPT, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, ModelBundle> eldest) {
          return size() > KEPT;
        }
      };

  private ExecutorBundles() {}

  /**
   * The bundle at {@code uri}, which must be the one the driver opened.
   *
   * @throws OperationFailedException if another bundle lies there by now
   */
  static ModelBundle open(String uri, String hash, Configuration hadoop) {
    synchronized (OPEN) {
      ModelBundle bundle = OPEN.get(hash);
      if (bundle == null) {
        bundle = ModelBundle.open(uri, hadoop);
        if (!bundle.hash().equals(hash)) {
          throw new OperationFailedException(
              "The bundle at %s changed while it was scored: its hash was %s and is %s. Bundles are never overwritten; restore it, or score with the new one."
                  .formatted(uri, hash, bundle.hash()));
        }
        OPEN.put(hash, bundle);
      }
      return bundle;
    }
  }
}
