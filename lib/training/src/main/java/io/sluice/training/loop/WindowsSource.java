package io.sluice.training.loop;

import java.io.Serializable;
import org.apache.hadoop.conf.Configuration;

/** Opens windows where they are needed: on the driver, or in a worker on an executor. */
public interface WindowsSource extends Serializable {
  Windows open(Configuration hadoop);
}
