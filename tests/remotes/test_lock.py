"""A bucket with object lock: DVC works as elsewhere, and what is removed can be had again."""

from tests.remotes.project import Project


def test_a_removed_object_is_kept_by_the_lock(project: Project, moto):
    client = moto.client()
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    client.put_object_lock_configuration(Bucket="locked", ObjectLockConfiguration=lock)
    project.remote(moto, "unused")
    project.dvc("remote", "modify", "s3", "url", "s3://locked/winnow")
    project.commit("remote")
    before = project.data()
    project.dvc("push", "-q")
    project.change("another version")
    project.dvc("push", "-q")
    project.dvc("gc", "--workspace", "--cloud", "--force")
    assert client.list_objects_v2(Bucket="locked")["KeyCount"] == 22
    found = client.list_object_versions(Bucket="locked")
    assert len(found["Versions"]) == 44
    for marker in found["DeleteMarkers"]:
        client.delete_object(Bucket="locked", Key=marker["Key"], VersionId=marker["VersionId"])

    clone = project.clone("elsewhere")
    clone.keys(moto)
    clone.dvc("pull", "-q")
    assert clone.data() == before
