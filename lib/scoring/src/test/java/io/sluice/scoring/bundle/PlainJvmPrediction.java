package io.sluice.scoring.bundle;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.sequences.dataset.ManifestJson;
import io.sluice.sequences.dataset.Segment;
import io.sluice.sequences.dataset.WindowBatch;
import io.sluice.sequences.dataset.WindowEncoder;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hadoop.conf.Configuration;

/**
 * What a service without Spark does: opens a bundle, cuts a saved segment into windows, predicts.
 *
 * <pre>java -cp … io.sluice.scoring.bundle.PlainJvmPrediction BUNDLE SEGMENT.json OUTPUT.json</pre>
 */
final class PlainJvmPrediction {
  private PlainJvmPrediction() {}

  public static void main(String[] args) throws Exception {
    for (String absent : new String[] {"org.apache.spark.SparkContext", "scala.Option"}) {
      try {
        Class.forName(absent);
        throw new IllegalStateException(absent + " is on the class path");
      } catch (ClassNotFoundException expected) {
        System.out.println("absent: " + absent);
      }
    }
    Segment segment = ManifestJson.mapper().readValue(Path.of(args[1]).toFile(), Segment.class);
    ModelBundle bundle = ModelBundle.open(args[0], new Configuration());
    float[] predictions = predict(bundle, segment).original();
    Files.write(Path.of(args[2]), new ObjectMapper().writeValueAsBytes(predictions));
  }

  static Predictions predict(ModelBundle bundle, Segment segment) {
    var encoder = new WindowEncoder(bundle.contract());
    WindowBatch batch = encoder.newBatch(segment.windows());
    encoder.encodeAll(segment, 0, segment.windows(), batch, 0);
    return bundle.newPredictor().predict(batch);
  }
}
