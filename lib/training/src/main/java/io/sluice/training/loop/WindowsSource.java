package io.sluice.training.loop;

import io.sluice.recurrent.model.ModelSpec;
import org.apache.hadoop.conf.Configuration;

/** Opens windows of series. */
public interface WindowsSource extends ExampleSource {
  Windows open(Configuration hadoop);

  @Override
  default ExampleSet examples(Configuration hadoop, ModelSpec spec) {
    return new WindowExamples(open(hadoop), spec);
  }
}
