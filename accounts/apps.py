from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from corsheaders.signals import check_request_enabled
        from django.db.models.signals import post_migrate

        from accounts.cors import may_ask
        from accounts.roles import renew_analysts

        check_request_enabled.connect(may_ask)
        post_migrate.connect(renew_analysts)
